"""Which mesh answers first."""

from typing import Any

import pytest
from planned import EAST, SHARED, WEST, echo, in_one_mesh, routes, specs

from components.mesh.roles import Role


def asked_first_and_then(prefer: Any, caller: str) -> tuple[list[str], list[tuple[int, str]]]:
    """Return the meshes of the service entry, and those that take over, each with its priority."""
    made = specs(routes(echo(prefer=prefer), Role(caller, f"{caller}.mesh"), [EAST, WEST]))
    [patch] = made["standby"]["configPatches"] if "standby" in made else [None]
    later = patch["patch"]["value"]["load_assignment"]["endpoints"] if patch else []
    first = [endpoint["labels"]["mesh"] for endpoint in made["service-entry"]["endpoints"]]
    return first, [(one["priority"], one["locality"]["region"]) for one in later]


@pytest.mark.parametrize(
    ("prefer", "caller", "first", "later"),
    [
        ("weights", "west", ["east", "west"], []),
        ("local", "west", ["west"], [(1, "east")]),
        ("local", "east", ["east"], [(1, "west")]),
        ("local", "south", ["east", "west"], []),
        (["west", "east"], "east", ["west"], [(1, "east")]),
        (["west"], "south", ["west"], [(1, "east")]),
        (["north", "east"], "south", ["east"], [(1, "west")]),
    ],
)
def test_who_is_preferred_answers_first(
    prefer: Any, caller: str, first: list[str], later: list[tuple[int, str]]
) -> None:
    assert asked_first_and_then(prefer, caller) == (first, later)


def test_a_mesh_that_stands_by_is_reached_at_its_gateway() -> None:
    made = specs(routes(echo(prefer="local"), Role("west", "west.mesh"), [EAST, WEST]))
    [patch] = made["standby"]["configPatches"]
    assert patch["match"]["cluster"] == {"service": "echo.demo.global", "portNumber": 80}
    [endpoint] = patch["patch"]["value"]["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"] == {"socket_address": {"address": "10.9.0.1", "port_value": 31443}}


def test_endpoints_of_a_dns_name_have_no_failover_priority_which_ends_istiod() -> None:
    made = specs(routes(echo(prefer="local"), Role("west", "west.mesh"), [EAST, WEST]))
    assert "failoverPriority" not in str(made["destination-rule"])


@pytest.mark.parametrize(("prefer", "label"), [("local", ""), (["west"], "=west")])
def test_the_clusters_of_a_single_mesh_are_preferred_by_the_label_that_istiod_gives(prefer: Any, label: str) -> None:
    made = specs(routes(echo(prefer=prefer), in_one_mesh(), SHARED))
    [policy] = made["own-name"]["trafficPolicy"]["portLevelSettings"]
    locality = policy["loadBalancer"]["localityLbSetting"]
    assert locality["failoverPriority"] == [f"topology.istio.io/cluster{label}"]
