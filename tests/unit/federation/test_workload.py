"""What a Service must be to be exported, and what is left to its owner."""

from dataclasses import replace
from typing import Any

import pytest
from clusters import HTTP, WEB, cluster, endpoint_slice, spec
from planned import in_one_mesh

from components.federation.exported_service import ExportedService
from components.federation.inventory import Inventory
from components.federation.pods import Pod
from components.federation.workload import NotExportedError, UnusableServiceError, Workload, workload
from components.mesh.roles import Role
from components.ports import PROTOCOLS, Protocol
from multimesh.rules import Rule

BARE = Pod(sidecar=False)


OWN, FLAT, GATEWAYS = Role("east", "east.mesh"), in_one_mesh(), in_one_mesh(network="east")


def found(inventory: Inventory, service: ExportedService = WEB, role: Role = OWN) -> Workload:
    return workload(service, inventory, role)


def protocol(port: dict[str, Any], said: Protocol | None = None) -> str:
    return found(cluster(spec({"port": 80, **port})), replace(WEB, ports={80: said})).protocols[80]


@pytest.mark.parametrize(("target", "port"), [(8080, 8080), (8080.0, 8080), (None, 80)])
def test_a_service_forwards_to_its_pods_and_their_port(target: Any, port: int) -> None:
    made = found(cluster(spec(HTTP | {"targetPort": target})))
    assert (made.selector, made.targets) == ({"app": "web"}, {80: [port]})


def test_a_named_port_of_the_pods_is_looked_up_where_they_are() -> None:
    slices = [endpoint_slice("a", http=8080, mgmt=9090), endpoint_slice("b", http=8081)]
    assert found(cluster(spec(HTTP | {"targetPort": "web"}), *slices)).targets == {80: [8080, 8081]}


def test_ports_of_the_service_that_are_not_exported_are_known_where_it_is_not_exported_at_the_moment_too() -> None:
    others = [{"name": "tcp", "port": 81, "targetPort": "db"}, {"name": "dns", "port": 82, "protocol": "UDP"}]
    two = spec(HTTP, *others)
    slices = [endpoint_slice("a", http=8080, tcp=9090)]
    assert found(cluster(two, *slices)).unlisted == [9090]
    with pytest.raises(NotExportedError) as caught:
        found(cluster(two, *slices, pods={"a": BARE}))
    assert caught.value.workload
    assert caught.value.workload.unlisted == [9090]


def test_a_named_port_of_a_service_whose_only_port_has_no_name_is_looked_up() -> None:
    unnamed = {"endpoints": [], "ports": [{"name": "", "port": 8080}]}
    port = {"port": 80, "targetPort": "web", "appProtocol": "http"}
    assert found(cluster(spec(port), unnamed)).targets == {80: [8080]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("http", "http"),
        ("http2", "http2"),
        ("http-web", "http"),
        ("grpc", "grpc"),
        ("grpc-checkout", "grpc"),
        ("grpc-web", "grpc-web"),
        ("https", "tls"),
        ("tls-db", "tls"),
        ("tcp-redis", "tcp"),
        ("redis", "tcp"),
        ("mongo", "tcp"),
        ("mysql", "tcp"),
        ("TCP-db", "tcp"),
    ],
)
def test_the_first_word_of_a_ports_name_is_its_protocol(name: str, expected: str) -> None:
    assert protocol({"name": name}) == expected


@pytest.mark.parametrize(
    ("application", "expected"),
    [("http", "http"), ("kubernetes.io/ws", "http"), ("kubernetes.io/h2c", "http2"), ("kubernetes.io/wss", "tls")],
)
def test_a_ports_application_protocol_overrules_its_name(application: str, expected: str) -> None:
    assert protocol({"name": "tcp-web", "appProtocol": application}) == expected


@pytest.mark.parametrize("port", [{}, {"name": "web"}, {"name": "postgres"}, {"name": "tcpdump"}, {"name": "p-tcp"}])
@pytest.mark.parametrize("said", PROTOCOLS)
def test_what_a_port_does_not_say_the_configuration_says(port: dict[str, Any], said: Protocol) -> None:
    assert protocol(port, said) == said


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_number_that_tcp_and_udp_share_the_tcp_port_is_meant(order: int) -> None:
    ports = [HTTP | {"protocol": "TCP"}, {"port": 80, "name": "h3", "protocol": "UDP", "targetPort": 8443}]
    assert found(cluster(spec(*ports[::order]))).targets == {80: [8080]}


def test_a_headless_service_keeps_its_own_name() -> None:
    made = found(cluster(spec(HTTP, clusterIP="None")))
    assert (made.headless, made.short_name) == (True, False)


# What is the user's own

THEIRS = [
    ("VirtualService", "web.shop.svc.cluster.local"),
    ("VirtualService", "*.shop.svc.cluster.local"),
    ("VirtualService", "web.shop"),
    ("DestinationRule", "web.shop.svc.cluster.local"),
    ("DestinationRule", "*.local"),
    ("HTTPRoute", "web.shop.svc.cluster.local"),
]
MUTUAL_TLS = Rule("DestinationRule", "shop", "mtls", ["web.shop.svc.cluster.local"], mutual_tls_alone=True)


@pytest.mark.parametrize(("kind", "host"), THEIRS)
def test_what_a_user_decided_about_the_own_name_stays(kind: str, host: str) -> None:
    theirs = Rule(kind, "shop", "canary", [host])
    assert not found(cluster(spec(HTTP), rules=(theirs,))).short_name


@pytest.mark.parametrize(("kind", "host"), THEIRS)
def test_in_a_single_mesh_two_cannot_decide_about_one_name(kind: str, host: str) -> None:
    inventory = cluster(spec(HTTP), rules=(Rule(kind, "shop", "canary", [host]),))
    with pytest.raises(UnusableServiceError, match=f"{kind} shop/canary also decides about web.shop.svc"):
        found(inventory, role=FLAT)


def test_mutual_tls_is_what_sidecars_speak_to_the_own_name_anyway() -> None:
    assert found(cluster(spec(HTTP), rules=(MUTUAL_TLS,))).short_name


def test_in_a_single_mesh_a_rule_of_mutual_tls_alone_would_hide_how_requests_are_divided() -> None:
    with pytest.raises(UnusableServiceError, match=r"DestinationRule shop/mtls also decides about web\.shop\.svc"):
        found(cluster(spec(HTTP), rules=(MUTUAL_TLS,)), role=FLAT)


@pytest.mark.parametrize("role", [OWN, FLAT, GATEWAYS])
def test_a_mesh_wide_default_gives_way_to_a_rule_of_one_host(role: Role) -> None:
    default = Rule("DestinationRule", "istio-system", "default", ["*.local"])
    assert found(cluster(spec(HTTP), rules=(default,)), role=role).short_name


@pytest.mark.parametrize("kind", ["VirtualService", "DestinationRule", "ServiceEntry", "HTTPRoute"])
def test_nobody_else_decides_about_a_global_name(kind: str) -> None:
    with pytest.raises(UnusableServiceError, match=f"{kind} shop/mine also decides about web.shop.global"):
        found(cluster(spec(HTTP), rules=(Rule(kind, "shop", "mine", ["web.shop.global"]),)))


@pytest.mark.parametrize("host", ["*", "*.global"])
def test_a_wildcard_does_not_decide_about_a_global_name(host: str) -> None:
    rules = Rule("VirtualService", "shop", "all", [host]), Rule("DestinationRule", "istio-system", "all", [host])
    assert found(cluster(spec(HTTP), rules=rules)).targets


@pytest.mark.parametrize("host", ["*", "*.global"])
@pytest.mark.parametrize("mutual_tls_alone", [True, False])
def test_a_destination_rule_for_all_hosts_hides_the_global_name_from_its_namespace(
    host: str, mutual_tls_alone: bool
) -> None:
    theirs = Rule("DestinationRule", "web", "all", [host], mutual_tls_alone)
    with pytest.raises(UnusableServiceError, match=r"web/all also decides about web.shop.global.* narrow its host"):
        found(cluster(spec(HTTP), rules=(theirs,)))


@pytest.mark.parametrize(
    "other",
    [
        Rule("VirtualService", "istio-system", "web.shop", ["web.shop.svc.cluster.local", "web.shop.global"]),
        Rule("DestinationRule", "istio-system", "web.shop-own-name", ["web.shop.svc.cluster.local"]),
        Rule("VirtualService", "shop", "other", ["web2.shop.svc.cluster.local", "shop.example.com"]),
        Rule("ServiceEntry", "shop", "legacy", ["web.shop.svc.cluster.local"]),
    ],
)
def test_what_the_program_made_before_and_what_is_of_another_host_is_nobodys_decision(other: Rule) -> None:
    assert found(cluster(spec(HTTP), rules=(other,))).short_name


# What cannot be exported for the time being


@pytest.mark.parametrize(
    ("inventory", "message"),
    [
        (cluster(), "there is no Service shop/web: create it"),
        (
            cluster(spec(HTTP | {"targetPort": "web"})),
            "port 80 is the pods' port web, and there is no pod to tell its number: start one, or give targetPort",
        ),
        (
            cluster(spec(HTTP), endpoint_slice("web-1", http=8080), pods={"web-1": BARE, "job-1": BARE}),
            "pod web-1 has no sidecar: label namespace shop istio-injection=enabled, and restart its pods",
        ),
        (
            cluster(spec(HTTP), endpoint_slice("web-1", "web-2", http=8080), pods={"web-1": BARE, "web-2": BARE}),
            r"2 pods \(web-1, ...\) have no sidecar",
        ),
        (
            cluster(spec(HTTP), endpoint_slice("web-1", http=8080), pods={"web-1": replace(BARE, never_injected="so")}),
            "pod web-1 has no sidecar: so, and restart its pods",
        ),
    ],
)
def test_a_service_that_is_not_ready_is_not_exported_and_says_why(inventory: Inventory, message: str) -> None:
    with pytest.raises(NotExportedError, match=message):
        found(inventory)


def test_a_pod_without_a_sidecar_that_is_not_of_the_service_is_no_matter() -> None:
    slices = endpoint_slice("web-1", http=8080)
    assert found(cluster(spec(HTTP), slices, pods={"web-1": Pod(), "job-1": BARE})).pods == {"web-1"}


# What cannot be exported as it is configured


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (spec(HTTP, type="ExternalName"), "is of type ExternalName: export a Service that selects pods"),
        (spec(HTTP, selector=None), "has no selector, so its pods, .*: give it one"),
        (spec(HTTP, selector={}), "has no selector"),
        (spec({"port": 8080}, {"port": 9090}), "there is no port 80; list one of those that it has: 8080, 9090"),
        (spec(), "that it has: none"),
        (spec({"port": 80, "protocol": "UDP"}), "port 80 is UDP: only TCP ports can be exported, list another"),
        (spec({"port": 80, "protocol": "SCTP"}), "port 80 is SCTP"),
        (spec({"port": 80}), "port 80 does not say its protocol by its name or appProtocol: list it as {number: 80, "),
        (spec({"port": 80, "name": "postgres"}), "does not say its protocol"),
        (spec({"port": 80, "name": "http", "appProtocol": "example.com/mine"}), "does not say its protocol"),
    ],
)
def test_a_service_that_cannot_be_reached_as_configured_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UnusableServiceError, match=message):
        found(cluster(given))


@pytest.mark.parametrize(
    ("port", "said", "message"),
    [
        ({"name": "grpc"}, "http", "port 80 is grpc by its name grpc, not http: remove one of the two"),
        ({"name": "https"}, "tcp", "port 80 is tls by its name https, not tcp"),
        ({"name": "http", "appProtocol": "grpc"}, "http", "port 80 is grpc by its appProtocol grpc, not http"),
    ],
)
def test_a_protocol_that_the_service_contradicts_is_refused(port: dict[str, Any], said: Protocol, message: str) -> None:
    with pytest.raises(UnusableServiceError, match=message):
        protocol(port, said)


def test_a_headless_service_with_two_numbers_for_one_port_is_refused() -> None:
    slices = [endpoint_slice("a", http=8080), endpoint_slice("b", http=8081)]
    with pytest.raises(
        UnusableServiceError, match="is a different port in different pods, and the Service is headless"
    ):
        found(cluster(spec(HTTP | {"targetPort": "web"}, clusterIP="None"), *slices))


def test_a_headless_service_is_not_federated_in_a_single_mesh() -> None:
    with pytest.raises(UnusableServiceError, match="is headless: in a single mesh"):
        found(cluster(spec(HTTP, clusterIP="None")), role=FLAT)


OF_SHOPPER = cluster(spec(HTTP), endpoint_slice("web-1", http=8080), pods={"web-1": Pod("shopper")})
PUBLIC = replace(WEB, ingress_hosts=["shop.example"])


@pytest.mark.parametrize(("service", "role"), [(WEB, OWN), (PUBLIC, OWN), (PUBLIC, GATEWAYS)])
def test_pods_of_another_service_account_are_refused_with_the_key_that_says_it(
    service: ExportedService, role: Role
) -> None:
    with pytest.raises(
        UnusableServiceError,
        match="pod web-1 runs as service account shopper, not default: set service_account: shopper, or",
    ):
        found(OF_SHOPPER, service, role)
    assert found(OF_SHOPPER, replace(service, service_account="shopper"), role).pods == {"web-1"}


@pytest.mark.parametrize(("service", "role"), [(WEB, FLAT), (PUBLIC, FLAT), (WEB, GATEWAYS)])
def test_where_istiod_knows_the_pods_accounts_they_need_not_be_configured(service: ExportedService, role: Role) -> None:
    assert found(OF_SHOPPER, service, role).pods == {"web-1"}
