"""Who will be able to reach what, by the objects of a mesh."""

from typing import Any

import pytest
from planned import DOMAINS, EAST, ECHO, WEST, WORKLOADS, echo, of_ports

from components.federation.authorization import authorization
from components.federation.availability import AvailableService
from components.federation.exposure import changes, exposures
from components.federation.plan import PlannedObject
from components.federation.routes import routes
from components.federation.workload import Workload
from components.mesh.roles import Role
from components.ports import Port

ROLE = Role("east", "east.mesh")


def lines(service: AvailableService) -> list[str]:
    objects = [*routes(service, ROLE, [EAST, WEST]), *authorization(service, ROLE, DOMAINS)]
    return exposures(service, "east", objects, DOMAINS)


def test_every_caller_has_a_line() -> None:
    assert lines(ECHO) == [
        "east (any identity) -> echo.demo:80 in east",
        "south (any identity) -> echo.demo:80 in east",
        "west (any identity) -> echo.demo:80 in east",
    ]


def test_where_only_some_may_call_the_own_mesh_has_no_line() -> None:
    assert lines(echo(callers=["west", "south/ns/shop/sa/web", "south/ns/shop"])) == [
        "south/ns/shop/* -> echo.demo:80 in east",
        "south/ns/shop/sa/web -> echo.demo:80 in east",
        "west (any identity) -> echo.demo:80 in east",
    ]


def test_a_service_without_callers_is_reached_by_nobody() -> None:
    assert lines(echo(callers=[])) == []


def test_each_port_has_its_lines() -> None:
    found = lines(of_ports(Port(80, "http"), Port(5432, "tcp")))
    assert [line for line in found if line.startswith("west")] == [
        "west (any identity) -> echo.demo:5432 in east",
        "west (any identity) -> echo.demo:80 in east",
    ]


def test_requests_from_outside_have_a_line_for_each_host() -> None:
    [found] = [line for line in lines(echo(ingress_hosts=["shop.example"])) if line.startswith("anybody")]
    assert found == "anybody -> echo.demo through the ingress of east, as shop.example"


def test_a_mesh_that_does_not_export_has_no_line() -> None:
    elsewhere = AvailableService(ECHO.service, ECHO.ports, {"west": WORKLOADS["west"]})
    assert exposures(elsewhere, "east", authorization(elsewhere, ROLE, DOMAINS), DOMAINS) == []


def _of_policy(action: str, rule: dict[str, Any]) -> PlannedObject:
    return PlannedObject("AuthorizationPolicy", "demo", "x", {"action": action, "rules": [rule]})


@pytest.mark.parametrize(
    ("mutant", "line"),
    [
        (
            _of_policy(
                "ALLOW", {"from": [{"source": {"principals": ["*"]}}], "to": [{"operation": {"ports": ["8080"]}}]}
            ),
            "anybody with a certificate of the root -> echo.demo:80 in east",
        ),
        (
            _of_policy("ALLOW", {"to": [{"operation": {"ports": ["8080"]}}]}),
            "anybody with a certificate of the root -> echo.demo:80 in east",
        ),
    ],
)
def test_a_renderer_that_admits_everybody_shows(mutant: PlannedObject, line: str) -> None:
    assert line in exposures(ECHO, "east", [mutant], DOMAINS)


def test_a_policy_of_another_port_of_the_pods_admits_nobody() -> None:
    admin = AvailableService(ECHO.service, ECHO.ports, {"east": Workload({"app": "echo"}, {80: "http"}, {80: [9999]})})
    planned = authorization(ECHO, ROLE, DOMAINS)
    assert exposures(admin, "east", planned, DOMAINS) == ["east (any identity) -> echo.demo:80 in east"]


def test_what_comes_and_what_goes_is_told_and_what_stays_is_not() -> None:
    assert changes(["a", "b"], ["b", "c"]) == ["+ c", "- a"]
    assert changes(["a"], ["a"]) == []
