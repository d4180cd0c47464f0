"""The topologies, each verified: one stack that changes from a mesh per cluster to one mesh and back."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.stack import Stack

GATEWAYS = {"kind": "single-mesh", "network": "gateways"}
FLAT = {"kind": "single-mesh", "network": "flat"}
ONE = {"control_plane": "one", "primary": "east"}


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory, show: Callable[[str], None]) -> Iterator[Stack]:
    """A stack of its own, with HTTPS at the ingress, up as a federation of two meshes."""
    with Stack(tmp_path_factory.mktemp("changing"), show, "changing").destroyed_at_the_end() as stack:
        https = {"hosts": ["echo.example"], "tls": {"issuer": "root"}}
        stack.configure(lambda config: config.update({"multimesh:ingress": https}))
        stack.up()
        yield stack


@pytest.mark.parametrize(
    "topology",
    [GATEWAYS, {"kind": "multi-mesh"}, FLAT, FLAT | ONE, GATEWAYS | ONE],
    ids=["gateways", "back", "flat", "flat-one", "gateways-one"],
)
def test_a_stack_changes_its_topology_by_one_up_and_keeps_its_clusters(
    changing: Stack, topology: dict[str, Any]
) -> None:
    clusters = {mesh: lab["id"] for mesh, lab in changing.labs().items()}
    changing.configure(lambda config: config.update({"multimesh:topology": topology}))
    changing.up()
    assert {mesh: lab["id"] for mesh, lab in changing.labs().items()} == clusters
    assert changing.settled() == []
    assert changing.wrong() == []
