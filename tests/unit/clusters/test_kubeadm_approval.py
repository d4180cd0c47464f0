"""Who gets a node's certificate: the programs of a node that asks, and of the one that approves."""

import base64
import functools
import ipaddress
import json
import sys
import urllib.error
from collections.abc import Iterator, Sequence
from email.message import Message
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from recording import CHECKOUT

from tests.aws import Aws, role_arn

sys.path.insert(0, str(CHECKOUT / "components/clusters/kubeadm/node"))
import approve_nodes
import aws_requests
import prove_identity
import signing_requests

WORKERS = role_arn("worker").replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
ADDRESSES = {"i-1": "10.0.0.1", "i-2": "10.0.0.2", "i-cp": "10.0.0.9"}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with Aws().serving() as aws:
        aws.addresses = lambda: ADDRESSES
        monkeypatch.setattr(aws_requests, "METADATA", aws.url)
        for service in ("STS", "EC2"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", aws.url)
        yield aws


@functools.cache
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def request(
    name: str = "system:node:i-1", group: str = "system:nodes", names: Sequence[x509.GeneralName] = (), ca: bool = False
) -> bytes:
    subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def instance(aws: Aws, id: str, role: str = "worker") -> Any:
    """Return an instance; the next one is asked for its own."""
    aws.instance, aws.role = id, role
    return aws_requests.Instance()


def asked(aws: Aws, pem: bytes, by: str = "i-1", role: str = "worker") -> dict[str, Any]:
    """Return what an instance sends to the API server."""
    document = prove_identity.asked(instance(aws, by, role), pem)
    document["spec"] |= {"username": "system:bootstrap:abc", "groups": [approve_nodes.GROUP]}
    return document | {"status": {}}


def approve(aws: Aws, document: dict[str, Any]) -> None:
    approve_nodes.check_client(instance(aws, "i-cp", "control-plane"), WORKERS, document)


def test_an_instance_gets_the_certificate_of_the_node_that_it_is(aws: Aws) -> None:
    approve(aws, asked(aws, request()))


def test_openssl_s_request_is_taken_as_it_is_made(aws: Aws) -> None:
    _, pem = prove_identity.key_and_request("i-2")
    approve(aws, asked(aws, pem, by="i-2"))


@pytest.mark.parametrize("name", ["i-2", "i-cp"])
def test_nobody_gets_the_certificate_of_another_node(aws: Aws, name: str) -> None:
    with pytest.raises(approve_nodes.RefusedError, match=f"worker/i-1 asks for a certificate of {name}"):
        approve(aws, asked(aws, request(f"system:node:{name}")))


def test_an_instance_of_another_role_gets_no_certificate(aws: Aws) -> None:
    with pytest.raises(approve_nodes.RefusedError, match="stranger/i-1 asks for a certificate of i-1"):
        approve(aws, asked(aws, request(), role="stranger"))


@pytest.mark.parametrize("proof", [None, "", "{}", "[]", '"a"', "1", '{"authorization": 1}'])
def test_nobody_gets_a_certificate_without_proof(aws: Aws, proof: str | None) -> None:
    document = asked(aws, request())
    document["metadata"]["annotations"] = {} if proof is None else {signing_requests.PROOF: proof}
    with pytest.raises(approve_nodes.RefusedError, match="must have the annotation"):
        approve(aws, document)


def test_a_proof_is_good_for_one_request_alone(aws: Aws) -> None:
    proof = asked(aws, request())["metadata"]["annotations"]
    thief = asked(aws, request(names=()), by="i-2")
    thief["spec"]["request"] = base64.b64encode(prove_identity.key_and_request("i-1")[1]).decode()
    thief["metadata"]["annotations"] = proof
    with pytest.raises(approve_nodes.RefusedError, match="AWS does not accept the signature"):
        approve(aws, thief)


@pytest.mark.parametrize(
    ("header", "change"),
    [
        ("authorization", lambda text: text.replace(";x-multimesh-request", "")),
        ("authorization", lambda text: text.replace("SignedHeaders=", "SignedHeaders=host, SignedHeaders=")),
        ("x-amz-date", lambda text: text + "\nHost: elsewhere"),
        ("x-amz-security-token", lambda text: text + "\r\nx-multimesh-request: a"),
    ],
)
def test_a_proof_must_cover_the_request_and_add_no_header(aws: Aws, header: str, change: Any) -> None:
    document = asked(aws, request())
    proof = json.loads(document["metadata"]["annotations"][signing_requests.PROOF])
    proof[header] = change(proof[header])
    document["metadata"]["annotations"][signing_requests.PROOF] = json.dumps(proof)
    with pytest.raises(approve_nodes.RefusedError, match="must be signed with the headers"):
        approve(aws, document)


@pytest.mark.parametrize(
    "pem",
    [
        request(group="system:masters"),
        request(name="system:node:"),
        request(name="kubernetes-admin"),
        b"no request",
    ],
    ids=["masters", "no name", "administrator", "noise"],
)
def test_only_the_subject_of_a_node_is_signed(aws: Aws, pem: bytes) -> None:
    with pytest.raises(approve_nodes.RefusedError, match="must be"):
        approve(aws, asked(aws, pem))


def test_a_first_certificate_has_no_extension(aws: Aws) -> None:
    with pytest.raises(approve_nodes.RefusedError, match="must have no extension"):
        approve(aws, asked(aws, request(ca=True)))


def test_a_first_certificate_serves_nothing(aws: Aws) -> None:
    document = asked(aws, request())
    document["spec"]["usages"].append("server auth")
    with pytest.raises(approve_nodes.RefusedError, match="must be for client auth, is for"):
        approve(aws, document)


# Serving certificates

OWN = (x509.DNSName("i-1"), x509.IPAddress(ipaddress.ip_address("10.0.0.1")))


def serve(aws: Aws, pem: bytes, username: str = "system:node:i-1", usage: str = "server auth") -> None:
    spec = {"request": base64.b64encode(pem).decode(), "username": username, "usages": [usage]}
    approve_nodes.check_serving(instance(aws, "i-cp", "control-plane"), {"spec": spec})


def test_a_kubelet_serves_under_its_name_and_address(aws: Aws) -> None:
    serve(aws, request(names=OWN))


@pytest.mark.parametrize(
    "name",
    [
        x509.IPAddress(ipaddress.ip_address("10.0.0.9")),
        x509.DNSName("i-2"),
        x509.DNSName("kubernetes.default.svc"),
        x509.DNSName("*"),
        x509.RFC822Name("i-1"),
        x509.UniformResourceIdentifier("spiffe://east.mesh/ns/demo/sa/echo"),
    ],
    ids=lambda name: str(name.value),
)
def test_a_kubelet_serves_under_no_other_name(aws: Aws, name: x509.GeneralName) -> None:
    with pytest.raises(approve_nodes.RefusedError, match="not of i-1: "):
        serve(aws, request(names=(*OWN, name)))


def test_a_node_asks_for_itself_alone(aws: Aws) -> None:
    with pytest.raises(approve_nodes.RefusedError, match="system:node:i-2 asks for a certificate of i-1"):
        serve(aws, request(names=OWN), username="system:node:i-2")


@pytest.mark.parametrize("pem", [request(), request(names=OWN, ca=True)], ids=["without names", "a CA"])
def test_a_serving_certificate_has_names_and_nothing_else(aws: Aws, pem: bytes) -> None:
    with pytest.raises(approve_nodes.RefusedError, match="must have alternative names and no other extension"):
        serve(aws, pem)


def test_a_serving_certificate_is_no_client_s(aws: Aws) -> None:
    with pytest.raises(approve_nodes.RefusedError, match="must be for server auth, is for client auth"):
        serve(aws, request(names=OWN), usage="client auth")


# What is looked at


class Api:
    """The API server with some requests; it remembers what was decided."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self.documents, self.decided = documents, []

    def send(self, method: str, path: str = "", document: Any = None) -> Any:
        if method == "PUT":
            (condition,) = document["status"]["conditions"]
            self.decided.append((path, condition["type"], condition["message"]))
        return {"items": list(self.documents)}


def named(document: dict[str, Any], name: str, **spec: Any) -> dict[str, Any]:
    return {**document, "metadata": {**document["metadata"], "name": name}, "spec": {**document["spec"], **spec}}


def test_what_waits_is_decided_and_the_reason_told(aws: Aws) -> None:
    good, bad = asked(aws, request()), asked(aws, request("system:node:i-cp"))
    api = Api(named(good, "good"), named(bad, "bad"))
    approve_nodes.look(api, WORKERS, set())
    assert [decided[:2] for decided in api.decided] == [("/good/approval", "Approved"), ("/bad/approval", "Denied")]
    assert api.decided[1][2] == f"{WORKERS}/i-1 asks for a certificate of i-cp"


def test_what_another_control_plane_node_decided_first_is_no_trouble(
    aws: Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(named(asked(aws, request()), "good"), named(asked(aws, request("system:node:i-cp")), "bad"))

    def conflict(method: str, path: str = "", _document: Any = None) -> Any:
        if method == "PUT":
            raise urllib.error.HTTPError(path, 409, "Conflict", Message(), None)
        return {"items": list(api.documents)}

    monkeypatch.setattr(api, "send", conflict)
    approve_nodes.look(api, WORKERS, set())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "spec",
    [
        {"groups": ["system:bootstrappers:kubeadm:default-node-token"]},
        {"signerName": "kubernetes.io/kube-apiserver-client"},
        {"signerName": "example.com/mine", "groups": ["system:authenticated"]},
        {"signerName": signing_requests.SERVING, "username": "someone"},
    ],
    ids=["kubeadm's own tokens", "another signer", "somebody else's signer", "no node"],
)
def test_other_requests_are_left_to_others(aws: Aws, spec: dict[str, Any]) -> None:
    api = Api(named(asked(aws, request()), "other", **spec))
    approve_nodes.look(api, WORKERS, set())
    assert api.decided == []


def test_what_was_decided_stays(aws: Aws) -> None:
    api = Api(named(asked(aws, request()), "done") | {"status": {"conditions": [{"type": "Denied"}]}})
    approve_nodes.look(api, WORKERS, set())
    assert api.decided == []


def test_what_aws_does_not_answer_stays_pending_and_is_told_once(
    aws: Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    api, told = Api(named(asked(aws, request()), "waits")), set[str]()
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    for _ in range(2):
        approve_nodes.look(api, WORKERS, told)
    assert api.decided == []
    assert capsys.readouterr().out.count("cannot decide on waits, it stays pending") == 1
