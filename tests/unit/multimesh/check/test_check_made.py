"""What a stack made, from its state."""

import json
from typing import Any

import pytest

from multimesh.check.made import Key, made
from multimesh.check.objects import differences
from multimesh.stack import OutputsError

PROVIDER = "urn:pulumi:local::multimesh::multimesh:index:LocalCluster$pulumi:providers:kubernetes::east-kubernetes::id"


def state(*resources: dict[str, Any], **deployment: Any) -> str:
    return json.dumps({"deployment": {"resources": list(resources), **deployment}})


def resource(kind: str, **inputs: Any) -> dict[str, Any]:
    about = {"name": "it", "namespace": "shop"}
    return {
        "type": f"kubernetes:x:{kind}",
        "custom": True,
        "provider": PROVIDER,
        "inputs": {"kind": kind, "metadata": about, **inputs},
    }


def test_objects_are_by_the_mesh_of_their_provider() -> None:
    found = made(state(resource("Gateway", spec={"servers": []})))
    assert found.objects["east"][Key("Gateway", "shop", "it")]["spec"] == {"servers": []}


def test_objects_of_services_are_in_one_resource() -> None:
    inputs = {"mesh": "west", "objects": {"ServiceEntry istio-system/web.shop.global": '{"hosts":["web.shop.global"]}'}}
    found = made(state({"type": "pulumi-python:dynamic/multimesh:ServiceObjects", "inputs": inputs}))
    key = Key("ServiceEntry", "istio-system", "web.shop.global")
    assert found.objects["west"] == {key: {"spec": {"hosts": ["web.shop.global"]}}}


def test_secrets_and_releases_are_not_compared() -> None:
    release = {"type": "kubernetes:helm.sh/v3:Release", "custom": True, "provider": PROVIDER, "inputs": {"name": "x"}}
    assert made(state(resource("Secret"), release)).objects.get("east", {}) == {}


def test_what_a_killed_update_left_is_told() -> None:
    pending = [{"type": "creating", "resource": {"urn": "urn:x"}}]
    assert made(state(pending_operations=pending)).pending == ["creating urn:x"]


def test_clusters_of_this_machine_are_by_the_labs_id() -> None:
    urn = (
        "urn:pulumi:local::multimesh::multimesh:index:LocalCluster$pulumi-python:dynamic/multimesh:LabCluster::east-lab"
    )
    inputs = {"name": "local-east"}
    lab = {"type": "pulumi-python:dynamic/multimesh:LabCluster", "urn": urn, "id": "mm000001", "inputs": inputs}
    found = made(state(lab))
    assert (found.stack, found.labs) == ("multimesh/local", {"mm000001": "local-east"})


def test_a_stack_without_resources_made_nothing() -> None:
    assert made(json.dumps({"deployment": {}})).objects == {}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"deployment": {"resources": [{}]}}'])
def test_another_text_is_no_state(text: str) -> None:
    with pytest.raises(OutputsError, match="not a state of Pulumi"):
        made(text)


@pytest.mark.parametrize(
    ("wanted", "found", "lines"),
    [
        ({"spec": {"a": 1}}, {"spec": {"a": 1}}, []),
        ({"spec": {"a": 1}}, {"spec": {"a": 2}}, ["spec.a is 2, not 1"]),
        ({"spec": {"a": [1, 2]}}, {"spec": {"a": [1, 3]}}, ["spec.a[1] is 3, not 2"]),
        ({"spec": {"a": [1]}}, {"spec": {"a": [1, 2]}}, ["spec.a is [1, 2], not [1]"]),
        ({"spec": {"a": 1}}, {"spec": {}}, ["spec.a is nothing, not 1"]),
        ({"spec": {"a": 1}}, {"spec": {"a": 1, "b": 2}}, ["spec.b was added: 2"]),
        ({"spec": {"a": {}}}, {"spec": {}}, []),
        ({"apiVersion": "v1", "spec": {"a": 1}}, {"apiVersion": "v1", "spec": {"a": 1, "b": 2}}, []),
        (
            {"metadata": {"labels": {"a": "1"}}},
            {"metadata": {"labels": {"b": "1"}}},
            ['metadata.labels.a is nothing, not "1"'],
        ),
        ({"metadata": {"labels": {"a": "1"}}}, {"metadata": {"labels": {"a": "1", "b": "1"}}}, []),
    ],
)
def test_each_field_that_differs_is_named(wanted: Any, found: Any, lines: list[str]) -> None:
    assert list(differences(wanted, {"metadata": {}, **found})) == lines
