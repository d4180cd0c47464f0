"""Who uses a control plane: what it injected, and what it would inject next."""

from typing import Any

import pytest

from components.federation.revision_users import Users, by_revision
from components.istio import MANAGED
from components.mesh.roles import JOINED


def pod(revision: str | None, name: str = "web-5d8f-x", phase: str = "Running", **annotations: str) -> dict[str, Any]:
    said = annotations | ({"istio.io/rev": revision} if revision else {})
    owner = [{"kind": "ReplicaSet", "name": "web-5d8f"}]
    about = {"name": name, "namespace": "shop", "annotations": said, "ownerReferences": owner}
    return {"metadata": about | {"labels": {"pod-template-hash": "5d8f"}}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("labels", "revision"),
    [
        ({"istio-injection": "enabled"}, "default"),
        ({"istio.io/rev": "default"}, "default"),
        ({"istio.io/rev": "canary"}, "canary"),
        ({"istio-injection": "enabled", "istio.io/rev": "canary"}, "default"),
    ],
)
def test_a_namespace_uses_the_control_plane_whose_webhook_selects_it(labels: dict[str, str], revision: str) -> None:
    found = by_revision([{"metadata": {"name": "shop", "labels": labels}}], [])
    assert found == {revision: Users(namespaces=["shop"])}


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {}},
        {},
        {"labels": {"istio-injection": "disabled"}},
        {"labels": {"istio-injection": "disabled", "istio.io/rev": "canary"}},
        {"labels": {"istio-injection": "enabled", **MANAGED}},
        {"labels": {"istio-injection": "enabled"}, "deletionTimestamp": "2026-01-01T00:00:00Z"},
    ],
)
def test_a_namespace_without_injection_one_of_the_stack_and_one_that_ends_use_none(metadata: dict[str, Any]) -> None:
    assert by_revision([{"metadata": {"name": "shop", **metadata}}], []) == {}


def test_workloads_are_named_once_as_kubectl_takes_them() -> None:
    assert by_revision([], [pod("canary"), pod("canary", "web-5d8f-y")]) == {
        "canary": Users(workloads=["shop/deployment/web"], labelled=["shop/deployment/web"])
    }


def test_workloads_that_no_label_of_their_namespace_decides_about_are_told_apart() -> None:
    decided = {"metadata": {"name": "shop", "labels": {"istio.io/rev": "canary"}}}
    for namespaces, labelled in ([], ["shop/deployment/web"]), ([decided], []):
        assert by_revision(namespaces, [pod("default")])["default"].labelled == labelled


def test_a_pod_without_a_sidecar_and_one_that_has_ended_use_none() -> None:
    assert by_revision([], [pod(None), pod("canary", phase="Succeeded"), pod("canary", phase="Failed")]) == {}


def test_workloads_of_the_stack_use_it_and_are_not_named() -> None:
    found = by_revision([], [pod("default", **{JOINED: "east.mesh//east"})])
    assert found == {"default": Users(own=True)}
    assert not found["default"].is_none
