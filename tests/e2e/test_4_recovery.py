"""A mesh that is lost is not missed, and a cluster that died is noticed and comes back with its data.

What an interrupted update created is taken over: a state that forgot it is what a killed engine leaves.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from components.clusters.interrupted import recorded_as
from lab import cgroups, cluster, paths
from lab.processes import Process
from lab.stack import Stack
from multimesh.verify.answers import Answer
from multimesh.verify.ingress import ask_ingress


@pytest.fixture(scope="module")
def east(stack: Stack) -> Iterator[Any]:
    """The API of the cluster that dies."""
    with stack.api("east") as api:
        yield api


def note(api: Any, name: str) -> None:
    api.create_namespaced_config_map("demo", {"metadata": {"name": name}, "data": {"written": "before"}})


def noted(api: Any, name: str) -> Any:
    return api.read_namespaced_config_map(name, "demo").data


@pytest.mark.parametrize("program", ["kube-apiserver", "etcd"])
def test_a_killed_program_is_noticed_by_refresh_and_brought_back_by_up(stack: Stack, east: Any, program: str) -> None:
    note(east, f"killed-{program}")
    id = stack.labs()["east"]["id"]
    process = Process.read(paths.RUN / id / "processes" / program)
    assert process
    process.kill()

    stack.refresh()
    assert any(fault.startswith(f"{program} (pid") for fault in stack.labs()["east"]["outputs"]["faults"])
    stack.up()

    assert cluster.faults(id) == []
    assert noted(east, f"killed-{program}") == {"written": "before"}


def test_a_lost_mesh_is_not_missed_and_comes_back_with_its_data(stack: Stack, east: Any) -> None:
    note(east, "lost")
    id = stack.labs()["east"]["id"]
    cgroups.end(id)  # all its programs and pods at once: a power cut

    outcomes = ask_ingress(stack.outputs().meshes["west"].ingress_url, 50)
    assert [outcome for outcome in outcomes if not isinstance(outcome, Answer)] == []

    stack.refresh()
    stack.up()

    assert cluster.faults(id) == []
    assert noted(east, "lost") == {"written": "before"}
    assert stack.settled() == []


def created(api: Any) -> dict[str, str]:
    """When the pods of Istio and of the sample were created, by name."""
    pods = [pod for space in ("istio-system", "demo") for pod in api.list_namespaced_pod(space).items]
    return {pod.metadata.name: str(pod.metadata.creation_timestamp) for pod in pods}


def test_a_whole_mesh_that_no_state_knows_of_is_taken_over_without_a_restart(stack: Stack, east: Any) -> None:
    before = created(east)
    resources = json.loads(stack.state())["deployment"]["resources"]
    [urn] = [each["urn"] for each in resources if each["urn"].endswith("::east-istio-system")]
    stack.pulumi("state", "delete", urn, "--target-dependents", "--yes", "--stack", stack.name)
    forgotten = len(resources) - len(json.loads(stack.state())["deployment"]["resources"])
    assert forgotten > 10, "the namespace, its Secret, the releases, the policies"

    stack.up()

    assert created(east) == before
    assert len(json.loads(stack.state())["deployment"]["resources"]) == len(resources)


def test_a_release_whose_upgrade_was_interrupted_is_upgraded(stack: Stack, east: Any) -> None:
    [record] = east.list_namespaced_secret("istio-system", label_selector="name=istio-base,status=deployed").items
    pending = recorded_as("pending-upgrade", {"data": record.data})
    east.patch_namespaced_secret(record.metadata.name, "istio-system", pending)

    excluded = {"base": {"base": {"excludedCRDs": ["wasmplugins.extensions.istio.io"]}}}
    stack.configure(lambda config: config.update({"multimesh:istio": {"values": excluded}}))
    stack.up()
    stack.configure(lambda config: config.pop("multimesh:istio"))
    stack.up()


def test_afterwards_there_is_nothing_left_to_do(stack: Stack) -> None:
    stack.up("--expect-no-changes")
