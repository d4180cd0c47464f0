"""What routes a federated service in a mesh."""

from dataclasses import replace

import pytest
from planned import EAST, ECHO, SHARED, WEST, called, echo, endpoints, in_one_mesh, routes, specs

from components.mesh.roles import Role

# Between meshes


def test_a_mesh_that_exports_routes_to_its_own_service_and_to_the_gateways_of_others() -> None:
    planned = routes(ECHO, Role("east", "east.mesh"), [EAST, WEST])
    assert endpoints(planned) == [("east", "echo.demo.svc.cluster.local.", 80, None), ("west", "10.9.0.2", 15443, None)]
    assert specs(planned)["virtual-service"]["hosts"] == ["echo.demo.svc.cluster.local", "echo.demo.global"]


def test_a_mesh_that_exports_nothing_knows_the_global_name_alone() -> None:
    planned = routes(ECHO, Role("south", "south.mesh"), [EAST, WEST])
    assert endpoints(planned) == [("east", "10.9.0.1", 31443, None), ("west", "10.9.0.2", 15443, None)]
    assert specs(planned)["virtual-service"]["hosts"] == ["echo.demo.global"]


def test_a_mesh_of_weight_0_takes_no_requests_and_keeps_its_short_name() -> None:
    drained = echo(weights={"east": 0, "west": 3})
    planned = routes(drained, Role("east", "east.mesh"), [replace(WEST, share=100)])
    assert endpoints(planned) == [("west", "10.9.0.2", 15443, None)]
    assert specs(planned)["virtual-service"]["hosts"] == ["echo.demo.svc.cluster.local", "echo.demo.global"]


def test_objects_are_in_the_root_namespace_under_the_global_name() -> None:
    planned = routes(echo(ingress_hosts=["*"]), Role("east", "east.mesh"), [EAST, WEST])
    assert [(one.kind, one.namespace, one.name) for one in planned] == [
        ("ServiceEntry", "istio-system", "echo.demo.global"),
        ("DestinationRule", "istio-system", "echo.demo.global"),
        ("VirtualService", "istio-system", "echo.demo.global"),
        ("VirtualService", "istio-system", "echo.demo.global.ingress"),
    ]


def test_a_peers_workload_answers_as_the_account_that_its_stack_exports() -> None:
    peers = echo(peer_accounts={"west": "other"})
    assert specs(routes(peers, Role("east", "east.mesh"), [EAST, WEST]))["service-entry"]["subjectAltNames"] == [
        "spiffe://east.mesh/ns/demo/sa/echo",
        "spiffe://west.mesh/ns/demo/sa/other",
    ]


def test_shares_are_the_localities_where_the_others_take_over() -> None:
    made = specs(routes(ECHO, Role("east", "east.mesh"), [EAST, WEST]))
    locality = made["destination-rule"]["trafficPolicy"]["portLevelSettings"][0]["loadBalancer"]["localityLbSetting"]
    assert locality["distribute"] == [{"from": "*", "to": {"east/*": 25, "west/*": 75}}]
    assert len(made["virtual-service"]["http"][0]["route"]) == 1


def test_shares_are_the_routes_of_a_weighted_split() -> None:
    made = specs(routes(echo(split="weighted"), Role("east", "east.mesh"), [EAST, WEST]))
    assert [subset["name"] for subset in made["destination-rule"]["subsets"]] == ["east", "west"]
    for http in made["virtual-service"]["http"]:
        assert [(route["destination"]["subset"], route["weight"]) for route in http["route"]] == [
            ("east", 25),
            ("west", 75),
        ]


@pytest.mark.parametrize("role", [Role("east", "east.mesh"), in_one_mesh(network="east"), in_one_mesh()])
def test_the_ports_of_a_service_that_are_not_listed_keep_their_routes(role: Role) -> None:
    exporters = SHARED if role.one_mesh else [EAST, WEST]
    made = specs(routes(ECHO, role, exporters))
    assert [http["match"][0]["port"] for http in made["virtual-service"]["http"]] == [80, 80]
    if role.one_mesh:
        (port,) = made["own-name"]["trafficPolicy"].pop("portLevelSettings")
        assert port["port"] == {"number": 80}
        assert made["own-name"] == {"host": "echo.demo.svc.cluster.local", "trafficPolicy": {}}


def test_what_the_gateway_routes_from_the_world_has_the_gateways_port_not_the_services() -> None:
    made = specs(routes(echo(ingress_hosts=["*"]), Role("east", "east.mesh"), [EAST, WEST]))
    safe, other = made["ingress"]["http"]
    assert "port" not in safe["match"][0]
    assert "match" not in other


def test_a_request_that_an_application_may_have_seen_is_sent_again_only_if_its_method_is_safe() -> None:
    safe, other = specs(routes(ECHO, Role("east", "east.mesh"), [EAST, WEST]))["virtual-service"]["http"]
    assert safe["match"] == [{"port": 80, "method": {"regex": "GET|HEAD|OPTIONS|TRACE"}}]
    assert other["match"] == [{"port": 80}]
    assert set(other["retries"]["retryOn"].split(",")) == {"connect-failure", "refused-stream", "reset-before-request"}


def test_ingress_hosts_are_routed_from_the_gateway_to_the_global_name() -> None:
    ingress = specs(routes(echo(ingress_hosts=["a.example"]), Role("east", "east.mesh"), [EAST]))["ingress"]
    assert (ingress["hosts"], ingress["gateways"]) == (["a.example"], ["istio-system/ingress"])
    assert ingress["http"][0]["route"][0]["destination"]["host"] == "echo.demo.global"


@pytest.mark.parametrize("role", [Role("east", "east.mesh"), in_one_mesh(), in_one_mesh(network="east")])
def test_a_service_that_no_mesh_takes_requests_for_has_no_routes(role: Role) -> None:
    assert routes(ECHO, role, []) == []


# In one mesh


def test_on_a_flat_network_pods_are_reached_by_the_services_own_name() -> None:
    planned = routes(echo(ingress_hosts=["*"]), in_one_mesh(), SHARED)
    assert [called(one) for one in planned] == ["service-entry", "own-name", "virtual-service", "ingress"]
    made = specs(planned)
    assert "endpoints" not in made["service-entry"], "the global name is an alias"
    for suffix in ("virtual-service", "ingress"):
        assert made[suffix]["http"][0]["route"][0]["destination"]["host"] == "echo.demo.svc.cluster.local"


def test_a_gateway_of_its_own_network_forwards_to_its_own_service_and_to_the_other_gateways() -> None:
    planned = routes(ECHO, in_one_mesh(network="east"), SHARED)
    assert [called(one) for one in planned] == ["destination-rule", "service-entry", "own-name", "virtual-service"]
    assert endpoints(planned) == [
        ("east", "echo.demo.svc.cluster.local.", 80, "east"),
        ("east", "10.9.0.1", 31443, "outside-east"),
        ("west", "10.9.0.2", 15443, "outside-west"),
    ]
    assert specs(planned)["service-entry"]["subjectAltNames"] == ["spiffe://single.mesh/ns/demo/sa/echo"]


def test_a_primary_tells_the_gateways_of_the_clusters_that_it_serves_of_their_own_services() -> None:
    planned = routes(ECHO, in_one_mesh(network="east", serves=["west"]), SHARED)
    assert endpoints(planned)[:2] == [
        ("east", "echo.demo.svc.cluster.local.", 80, "east"),
        ("west", "echo.demo.svc.cluster.local.", 80, "west"),
    ]
