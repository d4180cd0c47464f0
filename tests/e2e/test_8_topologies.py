"""The topologies, each verified: one stack that changes from a mesh per cluster to one mesh and back."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from lab import network
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


WHO_ANSWERS = """
import socket, ssl, sys
context = ssl.create_default_context(cadata=sys.stdin.read())
address, port = sys.argv[1], int(sys.argv[2])
try:
    with (
        socket.create_connection((address, port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="istiod.istio-system.svc") as connection,
    ):
        print("istiod")
except OSError as error:
    print("nobody:", error)
"""
"""Says who answers at an address by TLS; the CAs that are trusted are its standard input."""


def who_answers(stack: Stack, address: str, port: int, within: Sequence[str] = ()) -> str:
    command = [*within, sys.executable, "-c", WHO_ANSWERS, address, str(port)]
    root = stack.outputs().root_ca
    return subprocess.run(command, input=root, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("port", [31012, 31017])
def test_the_control_plane_of_all_answers_the_clusters_that_it_serves_and_nobody_else(
    changing: Stack, port: int
) -> None:
    address, served = changing.outputs().meshes["east"].gateway_address, changing.labs()["west"]["id"]
    assert who_answers(changing, address, port, network.enter(served)) == "istiod\n"
    assert who_answers(changing, address, port).startswith("nobody: ")
