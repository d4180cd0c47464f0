"""What the loss of a part costs requests and connections of every protocol, from a pod of west: docs/services.md."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from lab.stack import Stack
from tests.e2e.shop import programs
from tests.e2e.shop.objects import Manifest, deployment, echo_container, namespace, port, service
from tests.e2e.shop.shop import Shop, opened
from tests.e2e.shop.workloads import exported
from tests.faults import breaks
from tests.faults.figures import Figures
from tests.faults.load_inside import Loads, Target, loads_inside

Note = Callable[..., None]
TOPOLOGIES = {
    "multi-mesh": {"kind": "multi-mesh"},
    "gateways": {"kind": "single-mesh", "network": "gateways"},
    "flat": {"kind": "single-mesh", "network": "flat"},
}
TARGETS = [
    Target("http", "web.shop.global", 80, 20),
    Target("grpc", "web.shop.global", 7070, 20),
    Target("tcp", "web.shop.global", 6379, 10),
    Target("postgresql", "postgres.shop.global", 5432, 5),
]
EXPORTS = [
    exported("web", ports=[80, 7070, 6379]),
    exported("postgres", ports=[{"number": 5432, "protocol": "tcp"}]),
]


def workloads(mesh: str) -> list[Manifest]:
    ports = port(80, 8080, "http"), port(7070, 7070, "grpc"), port(6379, 6379, "tcp")
    return [
        namespace("shop"),
        deployment("web", echo_container(mesh, "--grpc=7070", "--tcp=6379")),
        service("web", "web", *ports),
        *programs.postgresql(mesh),
        *programs.client(),
    ]


@pytest.fixture(scope="module", params=TOPOLOGIES)
def topology(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def shop(topology: str, tmp_path_factory: pytest.TempPathFactory, show: Callable[[str], None]) -> Iterator[Shop]:
    """A stack of its own in one topology, with the services in both clusters."""
    with Stack(tmp_path_factory.mktemp("services"), show, "services").destroyed_at_the_end() as stack:
        stack.configure(lambda config: config.update({"multimesh:topology": TOPOLOGIES[topology]}))
        stack.up()
        with opened(stack, tmp_path_factory.mktemp("shop"), workloads, EXPORTS) as shop:
            yield shop


@pytest.fixture
def loads(shop: Shop) -> Iterator[Loads]:
    """A load of every protocol at once from a pod of west, which both meshes answer."""
    with loads_inside(shop.kubectl["west"], TARGETS) as loads:
        yield loads


@pytest.fixture
def note(topology: str, loads: Loads, figures: Figures) -> Note:
    """Adds a row per protocol: the fault, when it began, and a remark with the seconds of each protocol in it."""

    def note(fault: str, begun: float, remark: str, *seconds: dict[str, float]) -> None:
        for protocol, load in loads.by_protocol.items():
            said = remark.format(*(f"{of[protocol]:.0f}" for of in seconds))
            figures.of_load(f"{topology}, {protocol}: {fault}", load, begun, said)

    return note


WEST_ALONE = dict.fromkeys((target.protocol for target in TARGETS), frozenset({"west"}))


def test_the_link_to_east_is_cut(shop: Shop, loads: Loads, note: Note) -> None:
    ids = {mesh: lab["id"] for mesh, lab in shop.stack.labs().items()}
    with breaks.packets_dropped(ids["east"], ids["west"]):
        begun = time.monotonic()
        time.sleep(20)
        alone, by = loads.until_west_alone(begun), loads.latest(5)
    back = loads.until_both_answer(time.monotonic())
    note("the link cut for 20 s", begun, "west alone after {} s, both {} s after healing", alone, back)
    assert {protocol: answered - {"failed"} for protocol, answered in by.items()} == WEST_ALONE
    failed = {protocol: len(load.failures()) for protocol, load in loads.by_protocol.items()}
    assert (failed["http"], failed["tcp"], failed["postgresql"]) == (0, 0, 0)
    late = len(loads.by_protocol["grpc"].failures(begun + 5))
    assert late == 0, "calls that the lost mesh held have failed by then"


def test_easts_gateway_is_killed(shop: Shop, loads: Loads, note: Note) -> None:
    begun = time.monotonic()
    breaks.kill_gateway(shop.stack, "east")
    time.sleep(10)
    back = loads.until_both_answer(begun)
    note("east's gateway killed", begun, "both within {} s", back)
    late = {protocol: len(load.failures(begun + 10)) for protocol, load in loads.by_protocol.items()}
    assert not any(late.values()), late


def test_easts_pods_are_gone(shop: Shop, loads: Loads, note: Note) -> None:
    begun = time.monotonic()
    with ExitStack() as gone:
        for app in ("web", "postgres"):
            gone.enter_context(breaks.without_pods(shop.stack, "east", "shop", app))
        time.sleep(15)
        alone, by = loads.until_west_alone(begun), loads.latest(5)
    back = loads.until_both_answer(time.monotonic())
    note("east's pods gone for 15 s", begun, "west alone after {} s, both {} s after they are asked for", alone, back)
    assert by == WEST_ALONE
