"""A federation over several stacks: what a peer's outputs change here, and what of them is refused."""

from typing import Any

import pytest
from certificates import PEM, root
from cryptography.hazmat.primitives.asymmetric import ec
from recording import Recording, record_of, recorded

from components.clusters import cluster as clusters
from components.federation import contradictions, peers
from components.federation.contradictions import Claims
from components.settings import SettingsError
from components.trust.ca import fingerprint

LOCAL = {"cluster": {"kind": "local"}}
ECHO = {"name": "echo", "namespace": "demo", "port": 80, "ingress_hosts": ["*"], "service_account": "echo"}
CA = {"certificate": PEM, "private_key": "key of east", "trust_domain": "east.mesh", "expires": "2036-01-01T00:00:00Z"}
TRUST = {"meshes": {}, "root_ca": PEM, "intermediates": {"east": CA}}
EXPORT = {"port": 80, "weight": 3, "service_account": "echo"}


def west(**exports: Any) -> dict[str, Any]:
    """The mesh west in its stack's outputs, as the engine gives them: every number is a float."""
    exported = {"echo.demo.global": EXPORT} | {name.replace("_", "."): export for name, export in exports.items()}
    return {
        "gateway_address": "10.9.0.2",
        "gateway_port": 31443.0,
        "trust_domain": "west.mesh",
        "exports": {name: export for name, export in exported.items() if export},
    }


def outputs(**given: Any) -> dict[str, Any]:
    return {"meshes": {"west": west()}, "root_ca": PEM, "suffix": "global", **given}


OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = root(OTHER_KEY, 3650)


def config(**given: Any) -> dict[str, Any]:
    stack = {"meshes": {"east": LOCAL}, "services": [ECHO], "peers": ["west"], "trust": {"stack": "trust"}}
    return stack | given


def run(peer: dict[str, Any] | None = None, **given: Any) -> Recording:
    return recorded(config(**given), stacks={"trust": TRUST, "west": outputs() if peer is None else peer})


def refused(*arguments: Any, **given: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        run(*arguments, **given)
    return [line.removeprefix("  multimesh:") for line in str(caught.value).splitlines()[1:]]


# What a peer adds


def test_a_peers_mesh_is_an_endpoint_at_its_gateway() -> None:
    spec = run()["echo.demo.east-service-entry"].inputs["spec"]
    endpoints = {endpoint["locality"]: (endpoint["address"], endpoint["ports"]) for endpoint in spec["endpoints"]}
    assert endpoints == {"east": ("10.0.0.1", {"http": 80}), "west": ("10.9.0.2", {"http": 31443})}


def test_a_peers_mesh_has_the_share_of_its_own_weight() -> None:
    policy = run()["echo.demo.east-destination-rule"].inputs["spec"]["trafficPolicy"]
    assert policy["loadBalancer"]["localityLbSetting"]["distribute"][0]["to"] == {"east/*": 25, "west/*": 75}


def test_a_peers_service_account_is_whom_its_endpoint_must_be() -> None:
    peer = outputs(meshes={"west": west(echo_demo_global=EXPORT | {"service_account": "other"})})
    assert run(peer)["echo.demo.east-service-entry"].inputs["spec"]["subjectAltNames"] == [
        "spiffe://east.mesh/ns/demo/sa/echo",
        "spiffe://west.mesh/ns/demo/sa/other",
    ]


def test_every_mesh_of_the_federation_may_call_unless_told_otherwise() -> None:
    assert principals(run()) == ["east.mesh/*", "west.mesh/*"]


def test_a_caller_may_be_a_workload_of_a_peer() -> None:
    only = ECHO | {"callers": ["west/ns/shop/sa/web"], "ingress_hosts": []}
    assert principals(run(services=[only])) == ["west.mesh/ns/shop/sa/web"]


def principals(recording: Recording) -> list[str]:
    (rule,) = recording["echo.demo.east-callers"].inputs["spec"]["rules"]
    return rule["from"][0]["source"]["principals"]


def test_a_service_of_peers_alone_is_called_by_its_global_name() -> None:
    recording = run(outputs(meshes={"west": west(web_shop_global=EXPORT | {"port": 8080})}))
    assert recording["web.shop.east-virtual-service"].inputs["spec"]["hosts"] == ["web.shop.global"]
    (endpoint,) = recording["web.shop.east-service-entry"].inputs["spec"]["endpoints"]
    assert (endpoint["locality"], endpoint["address"]) == ("west", "10.9.0.2")
    patched = recording["east-lost-peers"].inputs["spec"]["configPatches"]
    assert "web.shop.global" in str(patched), "a lost peer is noticed for this service, too"


def test_what_the_state_keeps_of_a_service_has_the_same_keys_whoever_exports_it() -> None:
    recording = run(outputs(meshes={"west": west(web_shop_global=EXPORT | {"port": 8080})}))
    assert recording["FederatedService echo.demo"].inputs == {
        **ECHO,
        "suffix": "global",
        "meshes": {"east": 1, "west": 3},
        "callers": ["east", "west"],
        "split": "failover",
    }
    assert recording["FederatedService web.shop"].inputs == {
        "name": "web",
        "namespace": "shop",
        "suffix": "global",
        "port": 8080,
        "meshes": {"west": 3},
        "callers": [],
        "split": "failover",
        "service_account": "default",
        "ingress_hosts": [],
    }


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
    assert exports == {"echo.demo.global": {"port": 80, "weight": 1, "service_account": "echo"}}


def test_what_a_stack_exports_is_what_its_peers_can_read() -> None:
    peer, wrong = peers.parse("test", run().outputs)
    assert wrong == []
    assert peer
    assert peer.meshes["east"].exports["echo.demo.global"] == peers.Export(port=80, weight=1, service_account="echo")


# A peer that is not there


@pytest.mark.parametrize("peer", [{}, {"meshes": {}, "suffix": "global"}])
def test_a_peer_without_meshes_is_left_out(peer: dict[str, Any]) -> None:
    assert run(peer).outputs["services"] == {"echo.demo.global": {"east": 1}}


def test_a_peer_that_does_not_exist_is_left_out() -> None:
    recording = recorded(config(), stacks={"trust": TRUST})
    assert recording.outputs["services"] == {"echo.demo.global": {"east": 1}}


def test_a_caller_of_a_peer_that_is_not_there_is_left_out_and_nobody_else_let_in() -> None:
    recording = run({}, services=[ECHO | {"callers": ["west"], "ingress_hosts": []}])
    assert recording["echo.demo.east-callers"].inputs["spec"]["rules"] == []
    (everybody,) = recording["echo.demo.east-others"].inputs["spec"]["rules"]
    assert "from" not in everybody


def test_a_mesh_with_a_ca_of_this_stack_may_call_before_its_own_stack_is_up() -> None:
    recording = run({}, trust={"issues": {"west": {}}})
    assert principals(recording) == ["east.mesh/*", "west.mesh/*"]
    assert recording.outputs["services"] == {"echo.demo.global": {"east": 1}}


def test_a_mesh_with_a_ca_of_this_stack_is_no_caller_where_its_stack_is_no_peer() -> None:
    assert principals(run({}, trust={"issues": {"west": {}}}, peers=[])) == ["east.mesh/*"]


def test_a_service_that_nobody_serves_has_no_routes() -> None:
    recording = run({}, services=[ECHO | {"meshes": {"east": 0}}])
    assert not [name for name in recording.resources if name.startswith("echo.demo.east-service-entry")]


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
    assert recording.outputs["intermediates"]["east"] == CA | {"private_key": "key of east-key"}
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


# Contradictions


@pytest.mark.parametrize(
    ("peer", "message"),
    [
        (outputs(meshes={"east": west()}), "stacks test and west both have a mesh east"),
        (
            outputs(meshes={"west": west() | {"trust_domain": "east.mesh"}}),
            "stacks test and west both have the trust domain east.mesh (meshes east and west)",
        ),
        (outputs(suffix="local"), "stacks test and west have different suffixes: global and local"),
        (
            outputs(meshes={"west": west(echo_demo_global=EXPORT | {"port": 8080})}),
            "stacks test and west export echo.demo.global at different ports: 80 and 8080",
        ),
        (
            outputs(root_ca=OTHER),
            f"stacks test and west have different root CAs: {fingerprint(PEM)} and {fingerprint(OTHER)}. "
            "Let one stack issue the other's CAs: set `trust.stack`",
        ),
    ],
)
def test_a_contradiction_is_refused_with_the_names_of_both_stacks(peer: dict[str, Any], message: str) -> None:
    assert f"peers: {message}" in refused(peer)


def test_a_root_that_is_yet_to_be_made_cannot_be_a_peers() -> None:
    (line,) = refused(trust={})  # the mock's stack `test` has no outputs
    assert line.startswith("peers: stacks test and west have different root CAs: one that is not created yet and ")


def test_the_root_that_the_stack_has_is_compared() -> None:
    own = {"root_ca": OTHER, "root_ca_owner": "organization/multimesh/test"}
    stacks = {"west": outputs(root_ca=OTHER), "test": own}
    assert recorded(config(trust={}), stacks=stacks).outputs["services"]["echo.demo.global"]["west"] == 3


def test_a_root_that_was_renewed_is_the_same_for_a_peer_that_has_it_not_yet() -> None:
    own = {"root_ca": root(OTHER_KEY, 7300), "root_ca_owner": "organization/multimesh/test"}
    stacks = {"west": outputs(root_ca=OTHER), "test": own}
    assert recorded(config(trust={}), stacks=stacks).outputs["services"]["echo.demo.global"]["west"] == 3


def test_a_root_of_another_stack_is_not_the_one_that_this_stack_would_make() -> None:
    had = {"root_ca": PEM, "root_ca_owner": "organization/multimesh/trust"}
    with pytest.raises(SettingsError, match="different root CAs: one that is not created yet"):
        recorded(config(trust={}), stacks={"west": outputs(), "test": had})


@pytest.mark.parametrize(
    ("trust", "owner"), [({}, "organization/multimesh/test"), ({"stack": "trust"}, "organization/multimesh/trust")]
)
def test_whose_the_root_is_can_be_read(trust: dict[str, Any], owner: str) -> None:
    assert recorded(config(trust=trust, peers=[]), stacks={"trust": TRUST}).outputs["root_ca_owner"] == owner


def test_peers_that_contradict_each_other_are_refused() -> None:
    one = Claims("one", "global", PEM, {"a": "a.mesh"}, {})
    other = Claims("other", "global", PEM, {"a": "b.mesh"}, {})
    assert contradictions.between([one, other]) == ["multimesh:peers: stacks one and other both have a mesh a"]


def test_outputs_of_another_program_are_refused() -> None:
    (line,) = refused({"meshes": {"west": {"gateway_address": "a"}}, "suffix": "global", "root_ca": PEM})
    assert line.startswith("peers: 'west': its outputs are not those of a multimesh stack: meshes.west.")
    (line,) = refused(outputs(root_ca="AB:CD"))
    assert line.startswith("peers: 'west': its outputs are not those of a multimesh stack: root_ca: ")


@pytest.mark.parametrize(
    ("listed", "line"),
    [
        (["test"], "peers[0]: 'test': must not be this stack itself"),
        (
            ["organization/multimesh/test"],
            "peers[0]: 'organization/multimesh/test': must not be this stack itself",
        ),
        (
            ["west", "organization/multimesh/west"],
            "peers[1]: 'organization/multimesh/west': must be listed only once",
        ),
    ],
)
def test_a_stack_is_a_peer_once_and_not_its_own(listed: list[str], line: str) -> None:
    assert line in refused(peers=listed)
