"""What the loss of each part does in each topology, and what changing it interrupts: docs/topologies.md."""

import time
from collections.abc import Callable, Iterator

import pytest

from lab import cgroups
from lab.stack import Stack
from tests.faults import breaks
from tests.faults.figures import Figures
from tests.faults.load import Load, load

MULTI = {"kind": "multi-mesh"}
GATEWAYS = {"kind": "single-mesh", "network": "gateways"}
FLAT = {"kind": "single-mesh", "network": "flat"}
ONE = {"control_plane": "one", "primary": "east"}
TOPOLOGIES = {
    "multi-mesh": MULTI,
    "gateways, each": GATEWAYS,
    "flat, each": FLAT,
    "flat, one": FLAT | ONE,
    "gateways, one": GATEWAYS | ONE,
}


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory, show: Callable[[str], None]) -> Iterator[Stack]:
    """A stack of its own, up as a federation of two meshes."""
    with Stack(tmp_path_factory.mktemp("topologies"), show, "topologies").destroyed_at_the_end() as stack:
        stack.up()
        yield stack


@pytest.fixture(scope="module", params=TOPOLOGIES)
def topology(request: pytest.FixtureRequest, changing: Stack, figures: Figures) -> str:
    """A topology that the stack has been brought to from the one before it, under load."""
    names = list(TOPOLOGIES)
    before = names[max(0, names.index(request.param) - 1)]
    if request.param != before:
        changing.configure(lambda config: config.update({"multimesh:topology": TOPOLOGIES[request.param]}))
        with load(changing.outputs().meshes["west"].ingress_url) as requests:
            begun = time.monotonic()
            changing.up()
            took = time.monotonic() - begun
            time.sleep(10)
        figures.of_load(f"{before} becomes {request.param}", requests, begun, f"`up` took {took:.0f} s")
    assert changing.settled() == []
    return request.param


@pytest.fixture
def requests(changing: Stack, topology: str) -> Iterator[Load]:  # noqa: ARG001  it must be there first
    """A load on west's ingress."""
    with load(changing.outputs().meshes["west"].ingress_url) as requests:
        yield requests


def test_a_service_without_pods_in_east_is_answered_by_west(
    changing: Stack, topology: str, requests: Load, figures: Figures
) -> None:
    begun = time.monotonic()
    with breaks.without_pods(changing, "east", "demo", "echo"):
        gone = time.monotonic()
        time.sleep(15)
        by = requests.answered_by(gone + 5)
    back = requests.seconds_until_both_answer(time.monotonic(), 90)
    figures.of_load(f"{topology}: east's pods gone for 15 s", requests, begun, f"the split is back after {back:.0f} s")
    assert set(by) == {"west"}


def test_easts_gateway_is_not_missed(changing: Stack, topology: str, requests: Load, figures: Figures) -> None:
    begun = time.monotonic()
    breaks.kill_gateway(changing, "east")
    time.sleep(10)
    back = requests.seconds_until_both_answer(time.monotonic(), 90)
    remark = f"the split is back within {10 + back:.0f} s"
    figures.of_load(f"{topology}: east's gateway killed", requests, begun, remark)


def test_the_link_to_east_is_not_missed(changing: Stack, topology: str, requests: Load, figures: Figures) -> None:
    ids = {mesh: lab["id"] for mesh, lab in changing.labs().items()}
    with breaks.packets_dropped(ids["east"], ids["west"]):
        begun = time.monotonic()
        time.sleep(20)
        by = requests.answered_by(begun + 12)
    back = requests.seconds_until_both_answer(time.monotonic(), 120)
    remark = f"the split is back {back:.0f} s after healing"
    figures.of_load(f"{topology}: the link cut for 20 s", requests, begun, remark)
    assert set(by) == {"west"}


def test_easts_control_plane_is_missed_by_whom_it_serves(
    changing: Stack, topology: str, requests: Load, figures: Figures
) -> None:
    begun = time.monotonic()
    with breaks.without_pods(changing, "east", "istio-system", "istiod"), changing.api("west") as west:
        breaks.scale(west, "demo", "echo", 2)
        time.sleep(20)
        started = breaks.ready(west, "demo", "echo") == 2
        breaks.scale(west, "demo", "echo", 1)
    time.sleep(10)
    remark = f"a new pod in west {'starts' if started else 'does not start'}"
    figures.of_load(f"{topology}: east's istiod down for 20 s", requests, begun, remark)
    assert started == ("one" not in topology)


def test_a_lost_cluster_is_not_missed_and_comes_back(
    changing: Stack, topology: str, requests: Load, figures: Figures
) -> None:
    begun = time.monotonic()
    cgroups.end(changing.labs()["east"]["id"])  # all its programs and pods at once: a power cut
    time.sleep(20)
    by = requests.answered_by(begun + 12)
    again = time.monotonic()
    changing.up()
    back = requests.seconds_until_both_answer(again, 120)
    figures.of_load(f"{topology}: east lost for 20 s", requests, begun, f"`up` brings both back in {back:.0f} s")
    assert set(by) == {"west"}
    assert changing.settled() == []
