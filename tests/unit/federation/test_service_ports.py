"""What the protocols and the ports of a service change in its routes."""

from dataclasses import replace
from typing import Any

import pytest
from planned import EAST, ECHO, WEST, echo, endpoints, of_ports, routes, specs

from components.federation.routes import connect_attempts
from components.federation.workload import Workload
from components.mesh.roles import Role
from components.ports import Port


def test_every_port_has_its_own_name_in_tls() -> None:
    made = specs(routes(of_ports(Port(80, "http"), Port(6379, "tcp")), Role("east", "east.mesh"), [EAST, WEST]))
    policies = made["destination-rule"]["trafficPolicy"]["portLevelSettings"]
    assert [(policy["port"]["number"], policy["tls"]["sni"]) for policy in policies] == [
        (80, "outbound_.80_._.echo.demo.svc.cluster.local"),
        (6379, "outbound_.6379_._.echo.demo.svc.cluster.local"),
    ]


@pytest.mark.parametrize(("protocol", "istios"), [("tcp", "TCP"), ("tls", "TCP"), ("grpc", "GRPC"), ("http2", "HTTP2")])
def test_a_port_keeps_its_protocol(protocol: Any, istios: str) -> None:
    made = specs(routes(of_ports(Port(70, protocol)), Role("east", "east.mesh"), [EAST, WEST]))
    [port] = made["service-entry"]["ports"]
    assert port == {"number": 70, "name": f"{protocol}-70", "protocol": istios}


def test_a_service_of_connections_alone_has_no_http_route() -> None:
    made = specs(routes(of_ports(Port(6379, "tcp")), Role("east", "east.mesh"), [EAST, WEST]))
    assert made["virtual-service"].keys() == {"hosts", "gateways", "tcp"}


def test_a_new_connection_to_any_service_is_tried_elsewhere() -> None:
    services = [
        of_ports(Port(80, "http"), Port(6379, "tcp")),
        of_ports(Port(6379, "tcp"), Port(443, "tls")),
        replace(ECHO, service=replace(ECHO.service, weights={}), ports=[Port(5432, "tcp")]),
    ]
    [made] = connect_attempts(services)
    assert [patch["match"]["listener"]["portNumber"] for patch in made.spec["configPatches"]] == [443, 6379]
    assert made.spec["configPatches"][0]["patch"]["value"]["typed_config"]["max_connect_attempts"] == 8


def test_where_no_service_has_connections_alone_nothing_is_patched() -> None:
    assert connect_attempts([ECHO]) == []


def test_grpc_is_retried_only_before_an_application_has_seen_it() -> None:
    [route] = specs(routes(of_ports(Port(70, "grpc")), Role("east", "east.mesh"), [EAST]))["virtual-service"]["http"]
    assert route["retries"]["retryOn"] == "connect-failure,refused-stream,reset-before-request"


def test_retries_and_a_timeout_are_the_users_for_every_method() -> None:
    own = {"attempts": 2, "retryOn": "unavailable"}
    [route] = specs(routes(echo(retries=own, timeout="2s"), Role("east", "east.mesh"), [EAST]))["virtual-service"][
        "http"
    ]
    assert (route["retries"], route["timeout"]) == (own, "2s")


def test_a_headless_service_is_reached_at_its_pods_port_and_keeps_its_own_name() -> None:
    headless = Workload({"app": "echo"}, {80: "http"}, {80: [8080]}, headless=True)
    planned = routes(replace(ECHO, workloads={"east": headless}), Role("east", "east.mesh"), [EAST, WEST])
    assert endpoints(planned)[0] == ("east", "echo.demo.svc.cluster.local.", 8080, None)
    assert specs(planned)["virtual-service"]["hosts"] == ["echo.demo.global"]


def test_no_route_depends_on_a_cluster_ip() -> None:
    made = specs(routes(ECHO, Role("east", "east.mesh"), [EAST, WEST]))
    assert made["service-entry"]["resolution"] == "DNS"
