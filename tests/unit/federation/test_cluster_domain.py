"""A mesh whose cluster names its Services by a domain of its own; peers ask it by the usual one."""

from dataclasses import replace

import pytest
from planned import EAST, ECHO, EXPORTED, WEST, echo, endpoints, of_ports, routes, specs
from test_chain import ENTRANCES, broken, leaves

from components.federation.availability import AvailableService
from components.federation.chain import Chain
from components.federation.plan import PlannedObject
from components.federation.routes import Exporter
from components.mesh.roles import Role
from components.ports import Port
from multimesh.control_plane import ControlPlane

DOMAIN = "corp.internal"
ROLE = Role("east", "east.mesh", plane=ControlPlane(cluster_domain=DOMAIN))
CHAIN = ENTRANCES | {"east": replace(ENTRANCES["east"], domain=DOMAIN)}
SERVICES = [ECHO, of_ports(Port(80, "http"), Port(6379, "tcp")), of_ports(Port(80, "http"), headless=True)]


def planned(service: AvailableService = ECHO, *exporters: Exporter) -> list[PlannedObject]:
    return routes(service, ROLE, exporters or [EAST, WEST])


def test_its_own_service_is_called_as_its_cluster_does() -> None:
    assert endpoints(planned()) == [
        ("east", "echo.demo.svc.corp.internal.", 80, None),
        ("west", "10.9.0.2", 15443, None),
    ]
    assert specs(planned())["virtual-service"]["hosts"] == ["echo.demo.svc.corp.internal", "echo.demo.global"]


def test_its_gateway_finds_what_peers_ask_for() -> None:
    assert specs(planned())["asked-for"] == {
        "hosts": ["echo.demo.svc.cluster.local"],
        "location": "MESH_INTERNAL",
        "resolution": "DNS",
        "ports": [{"number": 80, "name": "http-80", "protocol": "HTTP"}],
        "endpoints": [
            {
                "address": "echo.demo.svc.corp.internal.",
                "ports": {"http-80": 80},
                "locality": "east",
                "labels": {"mesh": "east", "security.istio.io/tlsMode": "istio"},
            }
        ],
        "exportTo": ["."],
    }


def test_the_gateways_of_others_are_asked_as_before() -> None:
    [port] = specs(planned())["destination-rule"]["trafficPolicy"]["portLevelSettings"]
    assert port["tls"]["sni"] == "outbound_.80_._.echo.demo.svc.cluster.local"


def test_a_mesh_that_takes_no_requests_any_more_still_answers_those_under_way() -> None:
    drained = echo(weights={"east": 0, "west": 3})
    assert "asked-for" in specs(planned(drained, replace(WEST, share=100)))


def test_a_mesh_without_the_service_needs_no_other_name_for_it() -> None:
    nobody = replace(ECHO, service=replace(EXPORTED, weights={"west": 3}), workloads={"west": ECHO.workloads["west"]})
    assert "asked-for" not in specs(planned(nobody, replace(WEST, share=100)))


def test_a_cluster_of_the_usual_domain_has_one_name() -> None:
    assert "asked-for" not in specs(routes(ECHO, Role("east", "east.mesh"), [EAST, WEST]))


@pytest.mark.parametrize("service", SERVICES)
def test_its_routes_are_whole(service: AvailableService) -> None:
    assert list(Chain(service, CHAIN).breaks("east", planned(service))) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_break_of_its_other_name_is_found(service: AvailableService) -> None:
    *others, asked = planned(service)
    assert asked.name.endswith(".asked-for")
    mutants = [(path, spec) for path in leaves(asked.spec) for spec in broken(asked.spec, path)]
    assert len(mutants) >= 10
    chain = Chain(service, CHAIN)
    missed = [path for path, spec in mutants if not list(chain.breaks("east", [*others, replace(asked, spec=spec)]))]
    assert missed == []
    assert list(chain.breaks("east", others))
