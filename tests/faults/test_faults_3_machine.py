"""What becomes of a stack when its machine reboots, and when a gateway's address changes."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from components.clusters.cluster import INGRESS_NODE_PORT, PEER_NODE_PORT
from lab import cgroups, cluster, network, paths
from lab.cluster import Cluster
from lab.processes import run
from lab.stack import Stack
from tests.e2e.guest import join, take_out
from tests.faults.figures import Figures
from tests.faults.load import load


def test_a_reboot_keeps_the_data(stack: Stack, figures: Figures) -> None:
    with stack.api("east") as api:
        api.create_namespaced_config_map("demo", {"metadata": {"name": "noted"}, "data": {"written": "before"}})
    for lab in stack.labs().values():
        reboot(lab["id"])

    stack.refresh()
    assert all(lab["outputs"]["faults"] for lab in stack.labs().values())
    start = time.monotonic()
    stack.up()
    took = time.monotonic() - start

    with stack.api("east") as api:
        assert api.read_namespaced_config_map("noted", "demo").data == {"written": "before"}
    assert [cluster.faults(lab["id"]) for lab in stack.labs().values()] == [[], []]
    assert stack.settled(120) == []
    answers = time.monotonic() - start
    stack.up("--expect-no-changes")
    figures.of_run(
        "the machine's reboot", f"`up` takes {took:.0f} s, all answer after {answers:.0f} s, the data is kept"
    )


def reboot(id: str) -> None:
    """Leave of a cluster what a reboot leaves: its files, but for those in /run."""
    cgroups.end(id)
    cgroups.remove(id)
    network.down(id)
    shutil.rmtree(paths.RUN / id)


@pytest.fixture
def guest(stack: Stack, show: Callable[[str], None], tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that is none of the stack's, in which the stack has its third mesh, north."""
    made = cluster.create("guest", show)
    try:
        join(stack, made, made.address, tmp_path)
        yield made
        take_out(stack)
    finally:
        cluster.destroy(made.id, show)


@contextmanager
def forwarded(guest: Cluster, address: str) -> Iterator[None]:
    """A second address of the guest, at which its gateway answers, too."""
    run("ip", "-netns", guest.id, "address", "add", f"{address}/24", "dev", "eth0")
    with ExitStack() as relays:
        for port in (PEER_NODE_PORT, INGRESS_NODE_PORT):
            listen = f"TCP-LISTEN:{port},bind={address},fork,reuseaddr"
            command = [*network.enter(guest.id), "socat", listen, f"TCP:{guest.address}:{port}"]
            relay = relays.enter_context(subprocess.Popen(command))
            relays.callback(relay.kill)
        yield


@contextmanager
def unreachable(guest: Cluster, asking: str) -> Iterator[None]:
    """The guest's gateway, out of reach at its first address for another cluster."""
    rule = ["FORWARD", "-i", asking, "-d", guest.address, "-p", "tcp", "--dport", str(PEER_NODE_PORT), "-j", "DROP"]
    run("iptables", "--wait", "--insert", *rule)
    try:
        yield
    finally:
        run("iptables", "--wait", "--delete", *rule)


def test_one_up_moves_every_peer_to_a_new_address(
    stack: Stack, guest: Cluster, figures: Figures, tmp_path: Path
) -> None:
    assert stack.settled() == []
    address = str(IPv4Address(guest.address) + 1)
    ids = [lab["id"] for lab in stack.labs().values()]
    with forwarded(guest, address):
        with load(stack.outputs().meshes["west"].ingress_url) as requests:
            start = time.monotonic()
            join(stack, guest, address, tmp_path)
            took = time.monotonic() - start
            time.sleep(3)
        assert stack.outputs().meshes["north"].gateway_address == address
        with ExitStack() as cuts:
            for id in ids:
                cuts.enter_context(unreachable(guest, id))
            assert stack.settled() == []
        join(stack, guest, guest.address, tmp_path)
    figures.of_load("a gateway's address changed, one `up`", requests, start, f"every peer moved in {took:.0f} s")
    assert requests.reasons() == {}
