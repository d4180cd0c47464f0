"""Routes that do not lead to a service are noticed: every field that matters is broken, one at a time."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from planned import EAST, ECHO, EXPORTED, WEST, echo, of_ports, routes

from components.federation.availability import AvailableService
from components.federation.chain import BrokenChainError, Chain, Entrance
from components.federation.plan import PlannedObject
from components.mesh.roles import Role
from components.ports import Port

HOST = EXPORTED.local_host
ENTRANCES = {
    "east": Entrance("10.9.0.1", 31443, [HOST], ["east.mesh"]),
    "west": Entrance("10.9.0.2", 15443, [HOST], ["west.mesh"]),
}
PORTS = of_ports(Port(80, "http"), Port(7070, "grpc"), Port(6379, "tcp"))
SERVICES = {
    "one port": ECHO,
    "three ports": PORTS,
    "prefers the own mesh": echo(prefer="local"),
    "in an order": echo(prefer=["west", "east"]),
    "by subsets": echo(split="weighted"),
    "in one mesh": replace(ECHO, service=replace(EXPORTED, weights={"west": 1})),
    "headless": of_ports(Port(80, "http"), headless=True),
    "its own retries": echo(retries={"attempts": 2, "retryOn": "503"}, timeout="2s"),
    "at the ingress": echo(ingress_hosts=["shop.example"]),
}
CALLERS = ("east", "west", "south")

NOT_OF_THE_CHAIN = {
    "retries": "how often a request is sent again",
    "timeout": "how long it may take",
    "connectionPool": "how soon a connection is given up",
    "outlierDetection": "how soon a lost mesh is noticed",
    "lb_policy": "which of several addresses is asked",
    "load_balancing_weight": "the share of a mesh among those that stand by",
    "priority": "who of those that stand by is asked first",
    "method": "which retries a request gets",
}
"""What mutants may change without another mesh answering, or none: the key that is changed, or one above it."""


def planned(service: AvailableService, caller: str) -> list[PlannedObject]:
    exporters = [one for one in (EAST, WEST) if service.service.weights.get(one.mesh)]
    if len(exporters) == 1:
        exporters = [replace(exporters[0], share=100)]
    return [
        one for one in routes(service, Role(caller, f"{caller}.mesh"), exporters) if not one.name.endswith(".ingress")
    ]


def found(service: AvailableService, caller: str, objects: Sequence[PlannedObject]) -> list[str]:
    return list(Chain(service, ENTRANCES).breaks(caller, objects))


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_sound_routes_are_whole(service: AvailableService, caller: str) -> None:
    assert found(service, caller, planned(service, caller)) == []


Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all values, and of all items of lists, which are taken out as a whole, too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield (*path, index)
            yield from leaves(inner, (*path, index)) if isinstance(inner, (dict, list)) else ()
    else:
        yield path


def broken(spec: dict[str, Any], path: Path) -> Iterator[dict[str, Any]]:
    """The spec with what is at the path replaced by another value of its type; or taken out."""
    for change in ("another", "none"):
        mutant = copy.deepcopy(spec)
        *above, last = path
        parent: Any = mutant
        for key in above:
            parent = parent[key]
        had = parent[last]
        if change == "none":
            if isinstance(last, int):
                del parent[last]
                yield mutant
            continue
        if isinstance(had, bool):
            parent[last] = not had
        elif isinstance(had, int):
            parent[last] = had + 1
        elif isinstance(had, str):
            parent[last] = f"{had}x"
        else:
            continue
        yield mutant


def is_of_retries_alone(spec: dict[str, Any], path: Path) -> bool:
    """Whether it is the route of safe methods, taken out as a whole: then they get the retries of all others."""
    return path[:-1] == ("http",) and "method" in spec["http"][path[-1]].get("match", [{}])[0]


def mutants() -> Iterator[Any]:
    """Every object of every service and caller with one value changed, or one item of a list taken out."""
    for title, service in SERVICES.items():
        for caller in CALLERS:
            objects = planned(service, caller)
            for number, one in enumerate(objects):
                for path in leaves(one.spec):
                    if not NOT_OF_THE_CHAIN.keys() & {*path} and not is_of_retries_alone(one.spec, path):
                        for spec in broken(one.spec, path):
                            mutant = [*objects[:number], replace(one, spec=spec), *objects[number + 1 :]]
                            yield f"{title}, {caller}: {one.kind} {'.'.join(map(str, path))}", service, caller, mutant


def test_every_break_is_found() -> None:
    made = list(mutants())
    assert len(made) >= 200
    assert [title for title, service, caller, mutant in made if not found(service, caller, mutant)] == []


@pytest.mark.parametrize("kind", ["VirtualService", "ServiceEntry", "DestinationRule"])
def test_an_object_that_is_not_there_is_found(kind: str) -> None:
    for service in SERVICES.values():
        assert found(service, "south", [one for one in planned(service, "south") if one.kind != kind])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"hosts": []}, "the gateways of west do not forward it"),
        ({"address": "10.9.0.3"}, "its endpoints are"),
        ({"port": 15444}, "its endpoints are"),
        ({"trust_domains": ["other.mesh"]}, "accepted and no exporter"),
    ],
)
def test_a_door_that_is_elsewhere_is_found(changed: dict[str, Any], said: str) -> None:
    entrances = ENTRANCES | {"west": replace(ENTRANCES["west"], **changed)}
    [line] = Chain(ECHO, entrances).breaks("east", planned(ECHO, "east"))
    assert line.startswith("echo.demo.global:80 from east: ")
    assert said in line


def test_a_service_without_weights_is_called_by_nobody_and_has_no_chain() -> None:
    nobody = replace(ECHO, service=replace(EXPORTED, weights={"east": 0}))
    Chain(nobody, ENTRANCES).check("west", [])


def test_all_breaks_are_one_error() -> None:
    with pytest.raises(BrokenChainError, match=r"please report it:\n.*\n.*"):
        Chain(PORTS, ENTRANCES).check("east", planned(ECHO, "east"))
