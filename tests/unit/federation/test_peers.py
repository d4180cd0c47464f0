"""A federation over several stacks: what a peer's outputs change here, and who issues the CAs."""

from typing import Any

import pytest
from certificates import PEM
from peer_stacks import CA, ECHO, EXPORT, LOCAL, TRUST, config, outputs, refused, run, west
from recording import Recording, record_of, recorded

from components.clusters import cluster as clusters
from components.federation import peers
from components.settings import SettingsError

# What a peer adds


def test_a_peers_mesh_is_an_endpoint_at_its_gateway() -> None:
    spec = run().service_objects("east")["ServiceEntry istio-system/echo.demo.global"]
    endpoints = {endpoint["locality"]: (endpoint["address"], endpoint["ports"]) for endpoint in spec["endpoints"]}
    assert endpoints == {
        "east": ("echo.demo.svc.cluster.local", {"http-80": 80}),
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
    (rule,) = recording.service_objects("east")["AuthorizationPolicy demo/echo.demo.global.callers"]["rules"]
    return rule["from"][0]["source"]["principals"]


def test_a_service_of_peers_alone_is_called_by_its_global_name() -> None:
    recording = run(outputs(meshes={"west": west(web_shop_global=EXPORT | {"port": 8080})}))
    assert recording.service_objects("east")["VirtualService istio-system/web.shop.global"]["hosts"] == [
        "web.shop.global"
    ]
    (endpoint,) = recording.service_objects("east")["ServiceEntry istio-system/web.shop.global"]["endpoints"]
    assert (endpoint["locality"], endpoint["address"]) == ("west", "10.9.0.2")
    patched = recording["east-lost-peers"].inputs["spec"]["configPatches"]
    assert "web.shop.global" in str(patched), "a lost peer is noticed for this service, too"


@pytest.mark.parametrize("peers_own", [None, ["192.0.2.7"]])
def test_gateways_admit_the_addresses_that_a_peer_says_it_asks_from(peers_own: list[str] | None) -> None:
    about = peers.PeerMeshOutputs.model_validate(west() | {"egress_addresses": peers_own})

    def program() -> dict[str, Any]:
        return {"admitted": clusters.egress_addresses([peers.mesh("west", about)])}

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


# A peer that is not there


@pytest.mark.parametrize("peer", [{}, {"meshes": {}, "suffix": "global"}])
def test_a_peer_without_meshes_is_left_out(peer: dict[str, Any]) -> None:
    assert run(peer).outputs["services"] == {"echo.demo.global": {"east": 1}}


def test_a_peer_that_does_not_exist_is_left_out() -> None:
    recording = recorded(config(), stacks={"trust": TRUST})
    assert recording.outputs["services"] == {"echo.demo.global": {"east": 1}}


def test_a_caller_of_a_peer_that_is_not_there_is_left_out_and_nobody_else_let_in() -> None:
    recording = run({}, services=[ECHO | {"callers": ["west"], "ingress_hosts": []}])
    assert recording.service_objects("east")["AuthorizationPolicy demo/echo.demo.global.callers"]["rules"] == []
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
    assert not [key for key in recording.service_objects("east") if not key.startswith("AuthorizationPolicy")]


def test_a_caller_is_unknown_only_when_every_peer_is_there() -> None:
    lines = refused(services=[ECHO | {"callers": ["north"]}])
    assert lines == ["services[0].callers[0]: 'north': must be a mesh that is known: east, west"]


# Trust


def test_a_mesh_gets_the_ca_that_the_trust_stack_issued() -> None:
    cacerts = run()["east-cacerts"]
    assert cacerts.inputs["stringData"]["ca-key.pem"] == "key of east"
    assert cacerts.inputs["stringData"]["root-cert.pem"] == PEM
    assert "stringData" in cacerts.secrets


def test_a_stack_with_an_issued_ca_makes_no_certificate() -> None:
    assert not [resource for resource in run().resources.values() if resource.type.startswith("tls:")]


def test_an_issued_key_is_in_the_clear_nowhere() -> None:
    for resource in run().resources.values():
        clear = {name: value for name, value in resource.inputs.items() if name not in resource.secrets}
        assert "key of " not in str(clear), resource.name


def test_the_trust_stack_issues_for_the_meshes_that_it_lists() -> None:
    recording = recorded({"meshes": {}, "trust": {"issues": {"east": {}, "west": {"trust_domain": "w.example"}}}})
    assert recording.outputs["intermediates"]["east"] == CA | {
        "private_key": "key of east-ca",
        "trust_domain_aliases": [],
    }
    assert recording.outputs["intermediates"]["west"]["trust_domain"] == "w.example"
    assert "intermediates" in recording.secret_outputs


@pytest.mark.parametrize(
    ("trust", "given", "message"),
    [
        ({}, {}, "trust.stack: 'trust': that stack is not up; run `pulumi up` there first"),
        (
            TRUST | {"intermediates": {"west": CA}},
            {},
            "trust.stack: 'trust': that stack issues no CA for mesh east; it issues: west",
        ),
        (
            {"root_ca": PEM},
            {},
            "trust.stack: 'trust': that stack issues no CA for mesh east; it issues: none",
        ),
        (
            TRUST | {"intermediates": {"east": CA | {"private_key": {}}}},
            {},
            "trust.stack: 'trust': the CA that stack trust issues for east cannot be read; check that both have the "
            "same passphrase",
        ),
        (
            TRUST,
            {"meshes": {"east": LOCAL | {"trust_domain": "e.example"}}},
            "meshes.east.trust_domain: 'e.example': must be east.mesh: stack trust issues the CA of east for it",
        ),
    ],
)
def test_a_ca_that_cannot_be_had_is_said(trust: dict[str, Any], given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        recorded(config(**given), stacks={"trust": trust, "west": outputs()})
    assert f"  multimesh:{message}" in str(caught.value).splitlines()
    assert "key of" not in str(caught.value)
