"""Trust between stacks: one makes keys and requests, another signs them; what waits, and what is refused."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pulumi
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from peer_stacks import (
    CA,
    KEY,
    LOCAL,
    PEM,
    STATE,
    TRUST,
    config,
    outputs,
    run,
    signed,
    stacks,
)
from recording import record, recorded
from trust.authorities import Authority, certified, forged_request, named, new_key, public_pem, request, root

from components.settings import SettingsError
from components.trust import held_ca
from components.trust.requested_ca import AnotherKeyError, checked_key

WAITS = "so mesh east waits, and is not created yet: after this `pulumi up`, run one there and then one here"
KEEPS = "so mesh east keeps the CA that it has: after this `pulumi up`, run one there and then one here"
HELD = {
    "east-cacerts": {
        "type": "kubernetes:core/v1:Secret",
        "outputs": {
            "stringData": {
                "ca-cert.pem": signed(key=new_key())["certificate"],
                "ca-key.pem": "key of east before",
                "root-cert.pem": PEM,
                "cert-chain.pem": "its chain",
            }
        },
    }
}
"""A mesh that runs, with the CA that it has."""


def notes(trust: dict[str, Any], said: list[str], state: dict[str, Any] = STATE, **given: Any) -> list[str]:
    """Run the stack, and return what it says about trust."""
    said.clear()
    record(config(peers=[], **given), stacks={"trust": trust, "state of test": state})
    return [line.removeprefix("multimesh:") for line in said if line.startswith("multimesh:trust")]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda line, *_, **__: lines.append(line))
    return lines


def test_a_mesh_gets_the_certificate_that_the_trust_stack_signed_and_its_own_key() -> None:
    cacerts = run()["east-cacerts"]
    files = cacerts.inputs["stringData"]
    assert files["ca-key.pem"] == "key of east-ca"
    assert files["ca-cert.pem"] == CA["certificate"]
    assert files["cert-chain.pem"] == CA["certificate"] + PEM
    assert files["root-cert.pem"] == PEM
    assert "stringData" in cacerts.secrets


def test_a_mesh_gets_the_cas_between_its_own_and_the_root() -> None:
    key = new_key()
    offline = Authority(certified(named("offline"), key, named("offline"), key), key)
    issuing = offline.below("issuing", path_length=1)
    between = signed(by=issuing) | {"chain": issuing.certificate}
    trust = TRUST | {"root_ca": offline.certificate, "certificates": {"east": between}}
    files = recorded(config(peers=[]), stacks=stacks(trust))["east-cacerts"].inputs["stringData"]
    assert files["cert-chain.pem"] == between["certificate"] + issuing.certificate + offline.certificate
    assert files["root-cert.pem"] == offline.certificate


def test_a_stack_that_signs_nothing_makes_a_key_and_a_request_alone() -> None:
    made = {name for name, one in run().resources.items() if one.type.startswith("tls:") or "Certificate" in one.type}
    assert made == {"east-ca", "east-signing-request"}


def test_no_key_of_a_mesh_is_in_the_clear() -> None:
    for resource in run().resources.values():
        clear = {name: value for name, value in resource.inputs.items() if name not in resource.secrets}
        assert "key of " not in str(clear), resource.name


def test_the_request_is_an_output_and_no_secret() -> None:
    recording = run()
    assert recording.outputs["requests"] == {"east": "request of east-signing-request"}
    assert "requests" not in recording.secret_outputs


@pytest.mark.parametrize(
    ("trust", "state", "note"),
    [
        ({}, {}, f"trust is not up, {WAITS}"),
        ({}, STATE, f"trust is not up, {WAITS}"),
        (TRUST, {}, f"trust has not signed the present request of east, {WAITS}"),
        (
            TRUST | {"certificates": {"east": {"trust_domain": "east.mesh"}}},
            STATE,
            f"trust has not signed the present request of east, {WAITS}",
        ),
        (
            TRUST | {"certificates": {"east": signed(key=new_key())}},
            STATE,
            f"trust has not signed the present request of east, {WAITS}",
        ),
        (
            TRUST | {"certificates": {"west": CA}},
            STATE,
            f"trust does not list east in trust.issues, {WAITS}".replace("yet: ", "yet: list it there; "),
        ),
        ({}, STATE | HELD, f"trust is not up, {KEEPS}"),
        (
            TRUST | {"certificates": {}},
            HELD,
            f"trust does not list east in trust.issues, {KEEPS}".replace("has: ", "has: list it there; "),
        ),
        (
            {"meshes": {}, "root_ca": PEM, "intermediates": {}},
            HELD,
            f"an earlier version made trust as it is, {KEEPS}",
        ),
    ],
)
def test_a_mesh_whose_request_is_not_signed_says_so_in_one_line(
    trust: dict[str, Any], state: dict[str, Any], note: str, said: list[str]
) -> None:
    assert notes(trust, said, state) == [f"trust.stack: {note}"]


def test_a_mesh_that_waits_has_its_cluster_key_and_request_and_nothing_in_the_cluster() -> None:
    recording = recorded(config(), stacks={"trust": {}, "west": outputs()})
    assert recording.outputs["meshes"] == {}
    assert recording.outputs["requests"] == {"east": "request of east-signing-request"}
    assert "root_ca" not in recording.outputs
    assert recording.of("LabCluster")
    assert not [one for one in recording.resources.values() if one.type.startswith("kubernetes:")]


def test_a_mesh_that_waits_leaves_the_others_as_they_are() -> None:
    both = {"meshes": {"east": LOCAL, "north": LOCAL}, "peers": []}
    alone, beside = (recorded(config(**given), stacks=stacks(TRUST)) for given in ({"peers": []}, both))
    assert beside.outputs["meshes"] == alone.outputs["meshes"]
    assert beside.outputs["services"] == {"echo.demo.global": {"east": 1}}
    assert beside.outputs["requests"].keys() == {"east", "north"}


def test_a_mesh_that_runs_keeps_its_ca_until_the_request_is_signed() -> None:
    cacerts = recorded(config(), stacks={"trust": {}, "west": outputs(), "state of test": HELD})["east-cacerts"]
    assert cacerts.inputs["stringData"] == HELD["east-cacerts"]["outputs"]["stringData"]
    assert "stringData" in cacerts.secrets


@pytest.mark.parametrize(
    ("trust", "given"),
    [
        ({}, {"meshes": {"east": LOCAL | {"trust_domain": "new.mesh"}}}),
        (TRUST | {"certificates": {"east": {"trust_domain": "new.mesh"}}}, {}),
    ],
)
def test_a_mesh_does_not_change_its_trust_domain_with_the_ca_of_the_one_before(
    trust: dict[str, Any], given: dict[str, Any]
) -> None:
    with pytest.raises(
        SettingsError, match=r"multimesh:meshes\.east\.trust_domain: .*another trust domain than new\.mesh"
    ):
        recorded(config(peers=[], **given), stacks={"trust": trust, "state of test": HELD})


def test_a_held_ca_is_read_as_the_official_plugin_keeps_it() -> None:
    files = HELD["east-cacerts"]["outputs"]["stringData"]
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in files.items()}
    state = {("Secret", "east-cacerts"): {"data": encoded, "stringData": None}}
    held = held_ca.of("east", state)
    assert held
    assert (held.certificate, held.private_key) == (files["ca-cert.pem"], "key of east before")
    assert "key of" not in repr(held)


def test_a_key_that_is_replaced_meanwhile_is_not_joined_with_the_certificate_of_the_one_before() -> None:
    with pytest.raises(AnotherKeyError, match="the key of east's CA is being replaced"):
        checked_key("east", CA["certificate"], public_pem(new_key()))
    assert checked_key("east", CA["certificate"], public_pem(KEY)) == CA["certificate"]


def test_the_trust_stack_signs_the_requests_of_the_meshes_that_it_lists() -> None:
    issues = {"east": {}, "west": {"trust_domain": "w.example", "stack": "other/project/w"}}
    requests = {mesh: request(new_key()) for mesh in issues}
    asking = {"east": {"requests": requests}, "other/project/w": {"requests": requests}}
    recording = recorded({"meshes": {}, "trust": {"issues": issues}}, stacks=asking)
    assert recording["east-certificate"].inputs["request_pem"] == requests["east"]
    assert recording["west-certificate"].inputs["trust_domain"] == "w.example"
    assert {mesh: about["trust_domain"] for mesh, about in recording.outputs["certificates"].items()} == {
        "east": "east.mesh",
        "west": "w.example",
    }
    assert "certificates" not in recording.secret_outputs
    assert [one.name for one in recording.of("PrivateKey")] == ["root-key"]


@pytest.mark.parametrize("there", [{}, {"west": {}}, {"west": {"requests": {"north": "x"}}}])
def test_a_mesh_that_has_not_asked_yet_is_said_in_one_line(there: dict[str, Any], said: list[str]) -> None:
    recording = record({"meshes": {}, "trust": {"issues": {"west": {}}}}, stacks=there)
    assert said == [
        "multimesh:trust.issues.west: stack west exports no request for the CA of west yet: run `pulumi up` there, "
        "here and there again"
    ]
    assert recording.outputs["certificates"] == {"west": {"trust_domain": "west.mesh", "trust_domain_aliases": []}}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("text", "is not a certificate request (PEM)"),
        (7, "is not a certificate request (PEM)"),
        (PEM, "is not a certificate request (PEM)"),
        (forged_request(), "is not signed by its own key"),
        (
            request(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - it is refused
            "has an RSA key of 1024 bits; it must be RSA of 2048 bits or more, or ECDSA on P-256, P-384 or P-521",
        ),
        (
            request(ec.generate_private_key(ec.SECP256K1())),
            "has an ECDSA key on secp256k1; it must be RSA of 2048 bits or more, or ECDSA on P-256, P-384 or P-521",
        ),
    ],
)
@pytest.mark.parametrize("listed", [True, False])
def test_a_request_that_must_not_be_signed_is_refused(asked: Any, message: str, listed: bool) -> None:
    given = {"west": asked} if listed else str(asked)
    with pytest.raises(SettingsError) as caught:
        recorded({"meshes": {}, "trust": {"issues": {"west": {}}}}, stacks={"west": {"requests": given}})
    [line] = str(caught.value).splitlines()[1:]
    assert line == f"  multimesh:trust.issues.west: the request that stack west exports {message}"


@pytest.mark.parametrize(
    ("trust", "given", "message"),
    [
        (
            TRUST | {"certificates": {"east": {"certificate": PEM}}},
            {},
            "trust.stack: 'trust': its output certificates.east is not that of a multimesh stack",
        ),
        (
            TRUST | {"certificates": ["east"]},
            {},
            "trust.stack: 'trust': its output certificates is not that of a multimesh stack",
        ),
        (
            TRUST | {"root_ca": "text"},
            {},
            "trust.stack: 'trust': the output root_ca of that stack must be a PEM certificate, and is not",
        ),
        (
            TRUST | {"root_ca": root().certificate},
            {},
            "trust.stack: 'trust': the CA that it issues for east ends at 'CN=multimesh east', and the CA that signed "
            "it, 'CN=root', is not there: the chain must go up to a self-signed root",
        ),
        (
            TRUST | {"root_ca_owner": "organization/multimesh/other"},
            {},
            "trust.stack: 'trust': the root CA of that stack is of stack organization/multimesh/other: set "
            "trust.stack to that one",
        ),
        (
            TRUST | {"certificates": {"east": signed("west.mesh") | {"trust_domain": "east.mesh"}}},
            {},
            "trust.stack: 'trust': the CA that it issues for east may sign URI names other than those of trust domain "
            "east.mesh and its istiod (name constraints): sign the request with the extensions that it asks for",
        ),
        (
            TRUST | {"certificates": {"east": signed(days=-1)}},
            {},
            "trust.stack: 'trust': the CA that it issues for east expired on "
            f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}",
        ),
        (
            TRUST,
            {"meshes": {"east": LOCAL | {"trust_domain": "e.example"}}},
            "meshes.east.trust_domain: 'e.example': must be east.mesh: stack trust issues the CA of east for it",
        ),
    ],
)
def test_a_ca_that_must_not_be_used_is_said(trust: dict[str, Any], given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        recorded(
            config(**given),
            stacks=stacks(trust, outputs(root_ca=trust["root_ca"] if trust["root_ca"] != "text" else PEM)),
        )
    assert f"  multimesh:{message}" in str(caught.value).splitlines()
    assert "key of" not in str(caught.value)
