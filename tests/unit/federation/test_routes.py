"""What a federated service makes in a mesh, on plain values: no engine, no cluster, no snapshot."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from components.federation.authorization import authorization
from components.federation.availability import AvailableService
from components.federation.exported_service import ExportedService
from components.federation.plan import PlannedObject
from components.federation.routes import Exporter, routes
from components.federation.workload import Workload
from components.mesh.roles import Role
from components.ports import Port
from multimesh.contract import Protocol

WORKLOADS = {mesh: Workload({"app": "echo"}, {80: "http"}, {80: [8080]}) for mesh in ("east", "west")}
EXPORTED = ExportedService(
    name="echo",
    namespace="demo",
    suffix="global",
    ports={80: None},
    weights={"east": 1, "west": 3},
    callers=["east", "south", "west"],
    service_account="echo",
)
ECHO = AvailableService(EXPORTED, [Port(80, "http")], WORKLOADS)
EAST = Exporter("east", 25, "east.mesh", 31443)
WEST = Exporter("west", 75, "west.mesh", 15443)
DOMAINS = {mesh: f"{mesh}.mesh" for mesh in ("west", "south", "east")}
GATEWAYS = {"east": "10.9.0.1", "west": "10.9.0.2"}
SHARED = [replace(EAST, trust_domain="single.mesh"), replace(WEST, trust_domain="single.mesh")]


def echo(**given: Any) -> AvailableService:
    """Return the service with some of its settings changed."""
    return replace(ECHO, service=replace(EXPORTED, **given))


def of_ports(*ports: Port, **workload: Any) -> AvailableService:
    """Return the service with these ports, each the same in its pods."""
    protocols: dict[int, Protocol] = {port.number: port.protocol for port in ports}
    targets = {port.number: [port.number] for port in ports}
    found = {mesh: Workload({"app": "echo"}, protocols, targets, **workload) for mesh in WORKLOADS}
    return AvailableService(replace(EXPORTED, ports=dict.fromkeys(protocols)), ports, found)


def specs(planned: Sequence[PlannedObject]) -> dict[str, Any]:
    """Return the specs by the suffix of their resource, each from nothing but what it says that it reads."""
    return {one.suffix: one.spec({mesh: GATEWAYS[mesh] for mesh in one.gateways}) for one in planned}


def endpoints(planned: Sequence[PlannedObject]) -> list[tuple[str, str, int, str | None]]:
    return [
        (endpoint["locality"], endpoint["address"], endpoint["ports"]["http-80"], endpoint.get("network"))
        for endpoint in specs(planned)["service-entry"]["endpoints"]
    ]


def in_one_mesh(cluster: str = "east", network: str | None = None, **given: Any) -> Role:
    return Role(cluster, "single.mesh", one_mesh=True, network=network, **given)


# Between meshes


def test_a_mesh_that_exports_routes_to_its_own_service_and_to_the_gateways_of_others() -> None:
    planned = routes(ECHO, Role("east", "east.mesh"), [EAST, WEST])
    assert endpoints(planned) == [("east", "echo.demo.svc.cluster.local", 80, None), ("west", "10.9.0.2", 15443, None)]
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


def test_what_is_made_is_known_before_any_address_is() -> None:
    planned = routes(echo(ingress_hosts=["*"]), Role("east", "east.mesh"), [EAST, WEST])
    assert [(one.kind, one.suffix, one.namespace, one.name) for one in planned] == [
        ("ServiceEntry", "service-entry", "istio-system", "echo.demo"),
        ("DestinationRule", "destination-rule", "istio-system", "echo.demo"),
        ("VirtualService", "virtual-service", "istio-system", "echo.demo"),
        ("VirtualService", "ingress", "istio-system", "echo.demo-ingress"),
    ]


def test_only_the_service_entry_waits_for_addresses() -> None:
    planned = routes(echo(ingress_hosts=["*"]), Role("east", "east.mesh"), [EAST, WEST])
    waiting = {one.suffix: one.gateways for one in planned if one.gateways}
    assert waiting == {"service-entry": ["west"]}


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
        (port,) = made["own-name-rule"]["trafficPolicy"].pop("portLevelSettings")
        assert port["port"] == {"number": 80}
        assert made["own-name-rule"] == {"host": "echo.demo.svc.cluster.local", "trafficPolicy": {}}


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
    assert [one.suffix for one in planned] == ["service-entry", "own-name-rule", "virtual-service", "ingress"]
    made = specs(planned)
    assert "endpoints" not in made["service-entry"], "the global name is an alias"
    for suffix in ("virtual-service", "ingress"):
        assert made[suffix]["http"][0]["route"][0]["destination"]["host"] == "echo.demo.svc.cluster.local"


def test_a_gateway_of_its_own_network_forwards_to_its_own_service_and_to_the_other_gateways() -> None:
    planned = routes(ECHO, in_one_mesh(network="east"), SHARED)
    assert [one.suffix for one in planned] == ["destination-rule", "service-entry", "own-name-rule", "virtual-service"]
    assert endpoints(planned) == [
        ("east", "echo.demo.svc.cluster.local", 80, "east"),
        ("east", "10.9.0.1", 31443, "outside-east"),
        ("west", "10.9.0.2", 15443, "outside-west"),
    ]
    assert specs(planned)["service-entry"]["subjectAltNames"] == ["spiffe://single.mesh/ns/demo/sa/echo"]


def test_a_primary_tells_the_gateways_of_the_clusters_that_it_serves_of_their_own_services() -> None:
    planned = routes(ECHO, in_one_mesh(network="east", serves=["west"]), SHARED)
    assert endpoints(planned)[:2] == [
        ("east", "echo.demo.svc.cluster.local", 80, "east"),
        ("west", "echo.demo.svc.cluster.local", 80, "west"),
    ]


# Callers


def principals(service: AvailableService, role: Role) -> dict[str, list[str]]:
    made = specs(authorization(service, role, DOMAINS))
    found = {}
    for suffix, key in (("callers", "principals"), ("others", "notPrincipals")):
        if suffix in made:
            [rule] = made[suffix]["rules"]
            found[suffix] = rule["from"][0]["source"][key]
    return found


def test_where_the_own_mesh_may_call_nobody_is_denied() -> None:
    assert principals(ECHO, Role("east", "east.mesh")) == {"callers": ["east.mesh/*", "south.mesh/*", "west.mesh/*"]}


def test_where_only_some_may_call_all_others_are_denied() -> None:
    some = echo(callers=["west", "south/ns/shop/sa/web"])
    expected = ["west.mesh/*", "south.mesh/ns/shop/sa/web"]
    assert principals(some, Role("east", "east.mesh")) == {"callers": expected, "others": expected}


def test_the_gateways_of_meshes_that_may_not_call_may_forward_from_ingress_hosts() -> None:
    public = echo(callers=["east"], ingress_hosts=["*"])
    assert principals(public, Role("east", "east.mesh"))["callers"] == [
        "east.mesh/*",
        "south.mesh/ns/istio-system/sa/istio-ingressgateway",
        "west.mesh/ns/istio-system/sa/istio-ingressgateway",
    ]


def test_policies_stand_beside_the_workload_and_name_its_pods_and_port() -> None:
    planned = authorization(ECHO, Role("east", "east.mesh"), DOMAINS)
    assert [(one.namespace, one.name, one.gateways) for one in planned] == [("demo", "echo.demo-callers", ())]
    spec = specs(planned)["callers"]
    assert spec["selector"] == {"matchLabels": {"app": "echo"}}
    assert spec["rules"][0]["to"] == [{"operation": {"ports": ["8080"]}}]


def test_a_mesh_that_does_not_export_has_no_policy() -> None:
    assert authorization(ECHO, Role("south", "south.mesh"), DOMAINS) == []


def test_a_primary_has_the_policy_of_the_clusters_that_it_serves() -> None:
    only_east = replace(ECHO, workloads={"east": WORKLOADS["east"]})
    [policy] = authorization(only_east, in_one_mesh("west", serves=["east"]), DOMAINS | {"east": "single.mesh"})
    assert policy.name == "echo.demo-callers"


def test_a_named_port_of_pods_that_differ_is_open_by_every_number() -> None:
    named = replace(ECHO, workloads={"east": Workload({"app": "echo"}, {80: "http"}, {80: [8080, 8081]})})
    [rule] = specs(authorization(named, Role("east", "east.mesh"), DOMAINS))["callers"]["rules"]
    assert rule["to"] == [{"operation": {"ports": ["8080", "8081"]}}]


def test_a_whole_namespace_may_call() -> None:
    assert principals(echo(callers=["west/ns/shop"]), Role("east", "east.mesh"))["callers"] == ["west.mesh/ns/shop/*"]


# Protocols and ports


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


def test_a_new_connection_is_tried_elsewhere() -> None:
    made = specs(routes(of_ports(Port(80, "http"), Port(6379, "tcp")), Role("east", "east.mesh"), [EAST, WEST]))
    [patch] = made["connect-attempts"]["configPatches"]
    assert patch["match"]["listener"]["portNumber"] == 6379
    assert patch["patch"]["value"]["typed_config"]["max_connect_attempts"] == 4


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
    assert endpoints(planned)[0] == ("east", "echo.demo.svc.cluster.local", 8080, None)
    assert specs(planned)["virtual-service"]["hosts"] == ["echo.demo.global"]


def test_no_route_depends_on_a_cluster_ip() -> None:
    made = specs(routes(ECHO, Role("east", "east.mesh"), [EAST, WEST]))
    assert made["service-entry"]["resolution"] == "DNS"


# Who answers first


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
    [policy] = made["own-name-rule"]["trafficPolicy"]["portLevelSettings"]
    locality = policy["loadBalancer"]["localityLbSetting"]
    assert locality["failoverPriority"] == [f"topology.istio.io/cluster{label}"]
