"""A federation over several stacks: what a peer's outputs change here, and who issues the CAs."""

from typing import Any

import pytest
from peer_stacks import (
    ECHO,
    EXPORT,
    LOCAL,
    TRUST,
    config,
    outputs,
    refused,
    run,
    stacks,
    west,
)
from recording import Recording, record_of, recorded

from components import settings
from components.clusters import cluster as clusters
from components.federation import members, peers

# What a peer adds


def test_a_peers_mesh_is_an_endpoint_at_its_gateway() -> None:
    spec = run().service_objects("east")["ServiceEntry istio-system/echo.demo.global"]
    endpoints = {endpoint["locality"]: (endpoint["address"], endpoint["ports"]) for endpoint in spec["endpoints"]}
    assert endpoints == {
        "east": ("echo.demo.svc.cluster.local.", {"http-80": 80}),
        "west": ("10.9.0.2", {"http-80": 31443}),
    }


def test_a_peers_mesh_has_the_share_of_its_own_weight() -> None:
    [policy] = run().service_objects("east")["DestinationRule istio-system/echo.demo.global"]["trafficPolicy"][
        "portLevelSettings"
    ]
    assert policy["loadBalancer"]["localityLbSetting"]["distribute"][0]["to"] == {"east/*": 25, "west/*": 75}


def test_a_peers_service_account_is_whom_its_endpoint_must_be() -> None:
    peer = outputs(meshes={"west": west(echo_demo_global=EXPORT | {"service_account": "other"})})
    assert run(peer).service_objects("east")["ServiceEntry istio-system/echo.demo.global"]["subjectAltNames"] == [
        "spiffe://east.mesh/ns/demo/sa/echo",
        "spiffe://west.mesh/ns/demo/sa/other",
    ]


def test_every_mesh_of_the_federation_may_call_unless_told_otherwise() -> None:
    assert principals(run()) == ["east.mesh/*", "west.mesh/*"]


def test_a_caller_may_be_a_workload_of_a_peer() -> None:
    only = ECHO | {"callers": ["west/ns/shop/sa/web"], "ingress_hosts": []}
    assert principals(run(services=[only])) == ["west.mesh/ns/shop/sa/web"]


def principals(recording: Recording) -> list[str]:
    (rule,) = recording.service_objects("east")["AuthorizationPolicy demo/echo.demo.global.others"]["rules"]
    return rule["from"][0]["source"]["notPrincipals"]


def test_a_service_of_peers_alone_is_called_by_its_global_name() -> None:
    recording = run(outputs(meshes={"west": west(web_shop_global=EXPORT | {"port": 8080})}))
    assert recording.service_objects("east")["VirtualService istio-system/web.shop.global"]["hosts"] == [
        "web.shop.global"
    ]
    (endpoint,) = recording.service_objects("east")["ServiceEntry istio-system/web.shop.global"]["endpoints"]
    assert (endpoint["locality"], endpoint["address"]) == ("west", "10.9.0.2")
    patched = recording.service_objects("east")["EnvoyFilter istio-system/lost-meshes"]["configPatches"]
    assert "web.shop.global" in str(patched), "a lost peer is noticed for this service, too"


@pytest.mark.parametrize("peers_own", [None, ["192.0.2.7"]])
def test_gateways_admit_the_addresses_that_a_peer_says_it_asks_from(peers_own: list[str] | None) -> None:
    about = peers.PeerMeshOutputs.model_validate(west() | {"egress_addresses": peers_own})

    def program() -> dict[str, Any]:
        return {"admitted": clusters.egress_addresses([peers.mesh("west", "west", about)])}

    assert record_of(program).outputs["admitted"] == peers_own


def test_nothing_is_made_for_a_mesh_of_a_peer() -> None:
    assert not [name for name in run().resources if "west" in name]


def test_peers_read_what_is_the_stacks_own_and_verify_reads_the_whole() -> None:
    recording = run()
    assert recording.outputs["services"] == {"echo.demo.global": {"east": 1, "west": 3}}
    assert recording.outputs["meshes"].keys() == {"east"}
    exports = recording.outputs["meshes"]["east"]["exports"]
    assert exports == {
        "echo.demo.global": {"port": 80, "ports": {"80": "http"}, "weight": 1, "service_account": "echo"}
    }


def test_what_a_stack_exports_is_what_its_peers_can_read() -> None:
    peer, wrong = peers.parse("test", run().outputs)
    assert wrong == []
    assert peer
    exported = peer.meshes["east"].exports["echo.demo.global"]
    assert exported == peers.Export(port=80, ports={80: "http"}, weight=1, service_account="echo")


# From whom a service is taken


def test_a_peer_that_is_not_listed_gets_no_request_for_a_name_of_this_stack() -> None:
    greedy = outputs(meshes={"west": west(echo_demo_global=EXPORT | {"weight": 1_000_000, "service_account": "thief"})})
    recording = run(greedy, services=[ECHO | {"peers": {}}])
    spec = recording.service_objects("east")["ServiceEntry istio-system/echo.demo.global"]
    assert [endpoint["locality"] for endpoint in spec["endpoints"]] == ["east"]
    assert spec["subjectAltNames"] == ["spiffe://east.mesh/ns/demo/sa/echo"]
    assert recording.outputs["services"] == {"echo.demo.global": {"east": 1}}


def test_what_is_not_taken_from_a_peer_does_not_stop_an_update() -> None:
    other_port = outputs(meshes={"west": west(echo_demo_global=EXPORT | {"port": 8080})})
    recording = run(other_port, services=[ECHO | {"peers": {}}])
    assert recording.outputs["services"] == {"echo.demo.global": {"east": 1}}


def test_a_peer_has_no_more_weight_than_this_stack_allows() -> None:
    greedy = outputs(meshes={"west": west(echo_demo_global=EXPORT | {"weight": 1_000_000})})
    recording = run(greedy, services=[ECHO | {"peers": {"west": 1}}])
    assert recording.outputs["services"] == {"echo.demo.global": {"east": 1, "west": 1}}


def test_a_peer_may_take_less_than_this_stack_allows() -> None:
    less = outputs(meshes={"west": west(echo_demo_global=EXPORT | {"weight": 0})})
    assert run(less).outputs["services"] == {"echo.demo.global": {"east": 1, "west": 0}}


def test_a_service_that_only_peers_run_is_taken_from_those_that_are_listed() -> None:
    bank = {"name": "web", "namespace": "shop", "port": 80, "meshes": {}}
    peer = outputs(meshes={"west": west(web_shop_global=EXPORT)})
    assert run(peer, services=[bank | {"peers": {"west": 1}}]).outputs["services"]["web.shop.global"] == {"west": 1}
    assert run(peer, services=[bank]).outputs["services"]["web.shop.global"] == {}


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (
            {},
            "services[0].peers.west: mesh west exports echo.demo.global with weight 3, and gets no request of this "
            "stack's meshes: to take the service from it, list it here",
        ),
        (
            {"west": 2},
            "services[0].peers.west: mesh west exports echo.demo.global with weight 3, and gets 2, the most that is "
            "allowed here",
        ),
        ({"west": 3}, None),
    ],
)
def test_what_a_peer_does_not_get_is_said(listed: dict[str, int], said: str | None) -> None:
    notes = members._not_taken(
        settings.validate({"meshes": {"east": LOCAL}, "peers": ["west"], "services": [ECHO | {"peers": listed}]}),
        {"west": {"echo.demo.global": peers.Export.model_validate(EXPORT)}},
    )
    assert notes == ([f"multimesh:{said}"] if said else [])


def test_a_mesh_that_no_peer_has_is_refused() -> None:
    lines = refused(services=[ECHO | {"peers": {"north": 1}}])
    assert lines == ["services[0].peers.north: 1: must be of a mesh of a peer: west"]


# A peer that is not there


@pytest.mark.parametrize("peer", [{}, {"meshes": {}, "suffix": "global"}])
def test_a_peer_without_meshes_is_left_out(peer: dict[str, Any]) -> None:
    assert run(peer).outputs["services"] == {"echo.demo.global": {"east": 1}}


def test_a_peer_that_does_not_exist_is_left_out() -> None:
    recording = recorded(config(), stacks=stacks(TRUST))
    assert recording.outputs["services"] == {"echo.demo.global": {"east": 1}}


def test_a_caller_of_a_peer_that_is_not_there_is_left_out_and_nobody_else_let_in() -> None:
    recording = run({}, services=[ECHO | {"callers": ["west"], "ingress_hosts": []}])
    (everybody,) = recording.service_objects("east")["AuthorizationPolicy demo/echo.demo.global.others"]["rules"]
    assert "from" not in everybody


def test_a_mesh_with_a_ca_of_this_stack_may_call_before_its_own_stack_is_up() -> None:
    recording = run({}, trust={"issues": {"west": {}}})
    assert principals(recording) == ["east.mesh/*", "west.mesh/*"]
    assert recording.outputs["services"] == {"echo.demo.global": {"east": 1}}


def test_a_mesh_with_a_ca_of_this_stack_is_no_caller_where_its_stack_is_no_peer() -> None:
    assert principals(run({}, trust={"issues": {"west": {}}}, peers=[])) == ["east.mesh/*"]


def test_a_service_that_nobody_serves_has_no_routes() -> None:
    recording = run({}, services=[ECHO | {"meshes": {"east": 0}}])
    made = recording.service_objects("east").keys()
    assert not [key for key in made if key.split()[0] in ("ServiceEntry", "DestinationRule", "VirtualService")]


def test_a_caller_is_unknown_only_when_every_peer_is_there() -> None:
    lines = refused(services=[ECHO | {"callers": ["north"]}])
    assert lines == ["services[0].callers[0]: 'north': must be a mesh that is known: east, west"]


# What a peer cannot say: whoever can write its state writes into the objects of this stack

EXPORTS = "meshes.west.exports"


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"trust_domain": "east.mesh/ns/bank"}, "meshes.west.trust_domain"),
        ({"trust_domain": "*"}, "meshes.west.trust_domain"),
        ({"trust_domain": ""}, "meshes.west.trust_domain"),
        ({"trust_domain_aliases": ["east.mesh/ns/bank"]}, "meshes.west.trust_domain_aliases.0"),
        ({"gateway_address": "10.9.0.2\nhosts: evil"}, "meshes.west.gateway_address"),
        ({"gateway_address": "unix:///etc/istio/proxy/SDS"}, "meshes.west.gateway_address"),
        ({"gateway_port": 0.0}, "meshes.west.gateway_port"),
        ({"gateway_port": 70000.0}, "meshes.west.gateway_port"),
        ({"egress_addresses": ["0.0.0.0/0"]}, "meshes.west.egress_addresses.0"),
        ({"exports": {"echo.demo.global": EXPORT | {"service_account": "echo/../a"}}}, EXPORTS),
        ({"exports": {"echo.demo.global": EXPORT | {"service_account": "*"}}}, EXPORTS),
        ({"exports": {"echo.demo.global": EXPORT | {"ports": {"0": "http"}}}}, EXPORTS),
        ({"exports": {"echo.demo.global": EXPORT | {"port": 70000}}}, EXPORTS),
        ({"exports": {"echo.demo.global": EXPORT | {"weight": 10**12}}}, EXPORTS),
    ],
    ids=str,
)
def test_what_is_no_name_number_or_address_is_refused(said: dict[str, Any], where: str) -> None:
    peer, [line] = peers.parse("test", outputs(meshes={"west": west() | said}))
    assert peer is None
    assert line.startswith(f"multimesh:peers: 'test': its outputs are not those of a multimesh stack: {where}")


def test_what_does_not_fit_into_a_secret_is_refused() -> None:
    peer, [line] = peers.parse("test", outputs(revocation_lists="-" * 2**20))
    assert peer is None
    assert line.endswith("revocation_lists: String should have at most 200000 characters")


@pytest.mark.parametrize("name", ["east/west", "*", "west\x1b[2J", ""])
def test_a_mesh_of_a_peer_has_a_name(name: str) -> None:
    peer, [line] = peers.parse("test", outputs(meshes={name: west()}))
    assert peer is None
    assert "\x1b" not in line
    assert line.startswith("multimesh:peers: 'test': its outputs are not those of a multimesh stack: meshes")
