"""A mesh that moves to a stack of its own, with its cluster and its data, under load: docs/stacks.md, line by line."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.environment import CHECKOUT
from lab.stack import Stack
from tests.faults.load import Load, load

OF_WEST = r"\$.*::([^:]*\.)?west(-[a-z-]+)?$"
"""What is in the cluster, and the cluster; the components are made anew in the other stack."""
NOT_MOVED = r"IntermediateCa|\$pulumi:providers:"
"""The mesh gets a new key in its own stack; providers are copied by themselves."""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, show: Callable[[str], None]) -> Iterator[Stack]:
    """A stack with both meshes, up."""
    with Stack(tmp_path_factory.mktemp("both"), show, "both").destroyed_at_the_end() as stack:
        stack.up()
        yield stack


@pytest.fixture(scope="module")
def west(both: Stack, show: Callable[[str], None]) -> Iterator[Stack]:
    """The stack that takes over the mesh west, with nothing in it yet."""
    west = Stack(both.project, show, "west", CHECKOUT / "examples/stacks/Pulumi.west.yaml", beside=both)
    west.configure(lambda config: config.update({"multimesh:trust": {"stack": "both"}, "multimesh:peers": ["both"]}))
    with west.destroyed_at_the_end():
        yield west


def without_west(config: dict[str, Any]) -> None:
    """What the first stack says once west is no longer its own."""
    del config["multimesh:meshes"]["west"]
    [echo] = config["multimesh:services"]
    echo |= {"meshes": {"east": 50}, "peers": {"west": 50}}
    config["multimesh:peers"] = ["west"]
    config["multimesh:trust"] = {"issues": {"west": {}}}


def move(both: Stack, west: Stack) -> None:
    urns = [resource["urn"] for resource in json.loads(both.state())["deployment"]["resources"]]
    moving = [urn for urn in urns if re.search(OF_WEST, urn) and not re.search(NOT_MOVED, urn)]
    clusters = [urn for urn in moving if urn.endswith("-lab")]
    for part in (clusters, [urn for urn in moving if urn not in clusters]):
        both.pulumi("state", "move", "--source", both.name, "--dest", west.name, "--yes", *part)
    both.configure(without_west)
    both.up()
    west.up()  # keeps the CA that the mesh runs with, and exports a request
    both.up()
    west.up()  # takes the certificate


@pytest.fixture(scope="module")
def moved(both: Stack, west: Stack) -> tuple[str, Load]:
    """West, moved: the id that its cluster had, and the load on its ingress meanwhile."""
    id = both.labs()["west"]["id"]
    with load(both.outputs().meshes["west"].ingress_url) as requests:
        move(both, west)
    return id, requests


def test_no_request_fails_while_a_mesh_moves(moved: tuple[str, Load]) -> None:
    assert moved[1].reasons() == {}


def test_the_cluster_is_the_same(moved: tuple[str, Load], both: Stack, west: Stack) -> None:
    assert west.labs()["west"]["id"] == moved[0]
    assert both.labs().keys() == {"east"}


@pytest.mark.usefixtures("moved")
def test_both_stacks_are_as_configured_afterwards(both: Stack, west: Stack) -> None:
    for stack in (both, west):
        assert stack.verify()["findings"] == []
        stack.up("--expect-no-changes")
