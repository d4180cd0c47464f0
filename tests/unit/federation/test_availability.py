"""Which meshes can export which services, by what is in their clusters."""

from dataclasses import replace
from typing import Any

import pytest
from clusters import HTTP, WEB, cluster, endpoint_slice, spec
from planned import in_one_mesh

from components.federation.availability import AvailableService, KnownCluster, UnusableServicesError, available
from components.federation.exported_service import ExportedService
from components.federation.inventory import Inventory
from components.federation.pods import Pod
from components.federation.policies import Policy
from components.mesh.roles import Role
from components.ports import Port
from multimesh.rules import Rule

BOTH = replace(WEB, weights={"east": 1, "west": 1})
SOME = cluster(spec(HTTP))


def of(
    *services: ExportedService, east: Inventory | None = SOME, west: Inventory | None = SOME
) -> tuple[list[AvailableService], list[str]]:
    clusters = {
        mesh: KnownCluster(inventory, {}, Role(mesh, f"{mesh}.mesh"))
        for mesh, inventory in {"east": east, "west": west}.items()
    }
    return available(services, clusters, {"east": ["east.mesh"], "west": ["west.mesh"]})


def refused(*services: ExportedService, **clusters: Any) -> list[str]:
    with pytest.raises(UnusableServicesError) as caught:
        of(*services, **clusters)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_a_service_is_exported_by_the_meshes_that_have_it() -> None:
    [found], notes = of(BOTH)
    assert (found.ports, found.service.weights, notes) == ([Port(80, "http")], {"east": 1, "west": 1}, [])


def test_a_mesh_without_the_service_does_not_export_it_and_the_rest_goes_on() -> None:
    [found], notes = of(BOTH, west=cluster())
    assert found.service.weights == {"east": 1}
    assert notes == [
        "mesh west does not export web.shop.global: there is no Service shop/web: create it, then run `pulumi up` again"
    ]


def test_a_mesh_whose_pod_lost_its_sidecar_goes_on_guarding_the_others() -> None:
    bare = cluster(spec(HTTP), endpoint_slice("web-1", http=8080), pods={"web-1": Pod(sidecar=False)})
    [found], _ = of(BOTH, west=bare)
    assert (set(found.workloads), set(found.guarded)) == ({"east"}, {"west"})
    assert found.guarded["west"].pod_ports == {8080}


def test_a_service_that_is_nowhere_is_exported_by_nobody() -> None:
    [found], notes = of(BOTH, east=cluster(), west=cluster())
    assert (found.service.weights, len(notes)) == ({}, 2)


def test_a_cluster_that_cannot_be_asked_is_taken_to_have_what_is_listed() -> None:
    [found], notes = of(replace(BOTH, ports={6379: "tcp"}), east=None, west=None)
    assert (found.ports, found.service.weights, notes) == ([Port(6379, "tcp")], {"east": 1, "west": 1}, [])


def test_what_is_assumed_does_not_contradict_what_is_known() -> None:
    [found], _ = of(BOTH, east=None, west=cluster(spec(HTTP | {"name": "grpc"})))
    assert found.ports == [Port(80, "grpc")]


def test_a_mistake_names_the_key_the_service_and_the_mesh() -> None:
    assert refused(BOTH, west=cluster(spec({"port": 80, "protocol": "UDP"}))) == [
        "multimesh:services[0]: Service shop/web in mesh west: port 80 is UDP: only TCP ports can be exported, "
        "list another"
    ]


def test_all_mistakes_are_named_at_once() -> None:
    broken = cluster(spec(HTTP, selector=None))
    assert len(refused(BOTH, east=broken, west=broken)) == 2


def test_a_port_has_one_protocol_in_all_meshes() -> None:
    assert refused(BOTH, west=cluster(spec(HTTP | {"name": "grpc"}))) == [
        "multimesh:services[0]: port 80 must have one protocol in all meshes, but it is http in mesh east, "
        "grpc in mesh west"
    ]


def test_a_peers_protocol_is_compared_too() -> None:
    peers = replace(BOTH, weights={"east": 1, "south": 1}, peer_ports={"south": {80: "grpc"}})
    assert refused(peers) == [
        "multimesh:services[0]: port 80 must have one protocol in all meshes, but it is http in mesh east, "
        "grpc in mesh south"
    ]


def test_a_port_that_a_peer_does_not_export_yet_waits() -> None:
    ports = spec(HTTP, {"name": "http-admin", "port": 9090})
    service = replace(
        BOTH, ports={80: None, 9090: None}, weights={"east": 1, "south": 1}, peer_ports={"south": {80: "http"}}
    )
    [found], notes = of(service, east=cluster(ports))
    assert found.ports == [Port(80, "http")]
    assert found.workloads["east"].protocols == {80: "http", 9090: "http"}, "its peer must learn of the new port"
    assert notes == ["port 9090 of web.shop.global waits for mesh south, whose stack does not export it yet"]


@pytest.mark.parametrize(
    ("key", "given"), [("timeout", "2s"), ("retries", {"attempts": 1}), ("ingress_hosts", ["shop.example"])]
)
def test_settings_of_requests_need_a_port_that_has_requests(key: str, given: Any) -> None:
    [line] = refused(replace(WEB, **{key: given}), east=cluster(spec(HTTP | {"name": "tcp"})))
    assert line.startswith(f"multimesh:services[0].{key}: needs a port that speaks HTTP or gRPC")


def test_settings_of_requests_may_wait_for_a_peer_that_exports_their_port() -> None:
    ports = spec(HTTP | {"name": "tcp"}, {"name": "http", "port": 8080})
    peers = {"weights": {"east": 1, "south": 1}, "peer_ports": {"south": {80: "tcp"}}}
    [found], _ = of(replace(WEB, ports={80: None, 8080: None}, timeout="2s", **peers), east=cluster(ports))
    assert found.ports == [Port(80, "tcp")]


def test_the_users_own_rule_is_named() -> None:
    rule = Rule("VirtualService", "shop", "canary", ["web.shop.svc.cluster.local"])
    [found], notes = of(WEB, east=cluster(spec(HTTP), rules=(rule,)))
    assert not found.workloads["east"].short_name
    assert notes == [
        "mesh east: VirtualService shop/canary goes on deciding about web.shop, which stays in this mesh; all "
        "meshes answer web.shop.global"
    ]


# Two services over the same pods


ADMIN = HTTP | {"name": "http-admin", "port": 9090}


@pytest.mark.parametrize("callers", [["west"], ["east/ns/shop"]])
def test_ports_that_the_callers_of_another_close_are_named(callers: list[str]) -> None:
    pods = endpoint_slice("web-1", http=8080)
    api = {"ports": [HTTP], "selector": {"tier": "front"}}
    inventory = Inventory(
        {("shop", "web"): spec(HTTP, ADMIN), ("shop", "api"): api},
        {("shop", name): [pods] for name in ("web", "api")},
    )
    _, notes = of(replace(WEB, callers=callers), east=inventory)
    assert notes == [
        f"mesh east: who may not call web.shop may not call port {port} either, as it leads to the same port of the "
        "same pods"
        for port in ("80 of api.shop", "9090 of web.shop")
    ]


def test_where_the_own_mesh_may_call_no_other_port_is_closed() -> None:
    assert of(WEB, east=cluster(spec(HTTP, ADMIN)))[1] == []


def test_ports_of_other_pods_and_other_ports_of_the_same_pods_are_not_closed() -> None:
    own = {"name": "http-own", "port": 9090, "targetPort": 9090}
    inventory = cluster(spec(HTTP, own), api=spec(HTTP, selector={"app": "api"}), job=spec(HTTP, selector=None))
    assert of(replace(WEB, callers=["west"]), east=inventory)[1] == []


def two(api: dict[str, Any], **given: Any) -> tuple[ExportedService, Inventory]:
    other = replace(WEB, name="api", number=1, **given)
    pods = endpoint_slice("web-1", http=8080)
    services = {("shop", "web"): spec(HTTP), ("shop", "api"): api}
    return other, Inventory(services, {("shop", "web"): [pods], ("shop", "api"): [pods]})


@pytest.mark.parametrize("selector", [{"app": "web"}, {"app": "web", "version": "v1"}, {"tier": "front"}])
def test_two_services_over_the_same_pods_and_port_have_the_same_callers(selector: dict[str, str]) -> None:
    other, east = two(spec(HTTP, selector=selector), callers=["west"])
    [line] = refused(WEB, other, east=east)
    assert line.startswith(
        "multimesh:services[1].callers: api.shop and web.shop select the same pods in mesh east, so who may call one "
        "may call both"
    )


def test_two_services_over_the_same_pods_with_the_same_callers_are_two_names() -> None:
    other, east = two(spec(HTTP))
    assert of(WEB, other, east=east)[1] == []


def test_ingress_adds_no_caller_where_every_mesh_may_call() -> None:
    everybody = replace(WEB, callers=["east", "west"])
    other, east = two(spec(HTTP), callers=["east", "west"], ingress_hosts=["shop.example"])
    assert of(everybody, other, east=east)[1] == []


def test_ingress_adds_the_gateways_of_meshes_that_may_not_call() -> None:
    other, east = two(spec(HTTP), ingress_hosts=["shop.example"])
    assert len(refused(WEB, other, east=east)) == 1


def test_two_services_over_different_ports_of_the_same_pods_have_callers_each() -> None:
    other, east = two(spec(HTTP | {"targetPort": 9090}), callers=["west"])
    assert of(WEB, other, east=east)[1] == []


def test_a_protocol_that_nobody_said_is_a_guess_until_a_cluster_tells_it() -> None:
    _, notes = of(BOTH, east=None, west=None)
    assert notes == ["until a cluster can be asked for the protocol, http is assumed for port 80 of web.shop.global"]


def test_a_protocol_that_one_cluster_tells_is_no_guess() -> None:
    assert of(BOTH, east=None)[1] == []


def test_the_protocol_of_the_last_update_is_no_guess() -> None:
    known = KnownCluster(None, {}, Role("east", "east.mesh"), {"web.shop.global": {80: "grpc"}})
    assert available([replace(BOTH, weights={"east": 1})], {"east": known}, {"east": "east.mesh"})[1] == []


def test_the_policies_of_a_primary_hold_for_the_clusters_that_it_serves() -> None:
    off = Policy("PeerAuthentication", "shop", "off", {"mtls": {"mode": "DISABLE"}})
    east = KnownCluster(replace(SOME, policies=[off]), {}, in_one_mesh(serves=["west"]))
    west = KnownCluster(SOME, {}, replace(in_one_mesh("west"), primary="east"))
    _, notes = available([BOTH], {"east": east, "west": west}, {"east": "one.mesh", "west": "one.mesh"})
    assert [note.partition(":")[0] for note in notes] == [
        "mesh east does not export web.shop.global",
        "mesh west does not export web.shop.global",
    ]
