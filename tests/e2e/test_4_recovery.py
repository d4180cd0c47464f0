"""A mesh that is lost is not missed, and a cluster that died is noticed and comes back with its data."""

from collections.abc import Iterator
from typing import Any

import pytest

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


def test_afterwards_there_is_nothing_left_to_do(stack: Stack) -> None:
    stack.up("--expect-no-changes")
