"""What the thief of a mesh's CA can do: in that mesh everything, in any other nothing. Raw TLS to its workload."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from components.trust import signing
from lab.stack import Stack
from multimesh.contract import VerifyMeshOutputs
from tests.e2e.peer import REQUEST, Issuer, ask

ECHO = "outbound_.80_._.echo.demo.svc.cluster.local"
REFUSED = r"(?i)alert|certificate"


class West:
    """The workload of mesh west behind its gateway, which the thief asks."""

    def __init__(self, about: VerifyMeshOutputs, root: str, folder: Path) -> None:
        self.gateway = (about.gateway_address, about.gateway_port)
        self.root = root
        self.folder = folder

    def answer(self, thief: Issuer, identity: str | x509.GeneralName, request: bytes = REQUEST) -> bytes:
        """Return the answer to a request with a certificate for `identity`. Raise OSError if there is none."""
        return ask(self.gateway, ECHO, self.root, thief.issue(identity, self.folder), request)


@pytest.fixture
def west(stack: Stack, tmp_path: Path) -> West:
    outputs = stack.outputs()
    return West(outputs.meshes["west"], outputs.root_ca, tmp_path)


@pytest.fixture
def thief(stack: Stack) -> Iterator[Issuer]:
    """An authority with the key and the certificates in the Secret `cacerts` of mesh east."""
    with stack.api("east") as api:
        secret = api.read_namespaced_secret("cacerts", "istio-system").data or {}
    pem = {name: base64.b64decode(value) for name, value in secret.items()}
    yield Issuer.load(pem["ca-cert.pem"], pem["ca-key.pem"], pem["cert-chain.pem"])


@pytest.fixture
def elsewhere(stack: Stack, west: West) -> Issuer:
    """The CA of a mesh that this federation does not know, under the same root."""
    resources = json.loads(stack.state("--show-secrets"))["deployment"]["resources"]
    [kept] = [one["outputs"] for one in resources if one["urn"].endswith("::root-key")]
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    certificate = signing.sign(
        request.public_bytes(Encoding.PEM).decode(),
        west.root,
        json.loads(kept["privateKeyPem"]["plaintext"]),
        ["elsewhere.mesh"],
        1,
        datetime.now(UTC),
    ).certificate_pem
    return Issuer.load(
        certificate.encode(),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        (certificate + west.root).encode(),
    )


def test_a_caller_that_its_mesh_may_speak_for_is_served(thief: Issuer, west: West) -> None:
    assert west.answer(thief, "spiffe://east.mesh/ns/demo/sa/echo").startswith(b"HTTP/1.1 200")


def test_of_the_identities_that_the_application_is_told_the_last_is_the_callers(thief: Issuer, west: West) -> None:
    forged = b"X-Forwarded-Client-Cert: By=spiffe://west.mesh/ns/demo/sa/echo;URI=spiffe://west.mesh/ns/bank/sa/teller"
    request = REQUEST.replace(b"Connection:", forged + b"\r\nConnection:")
    answer = west.answer(thief, "spiffe://east.mesh/ns/demo/sa/echo", request).decode()
    [told] = [line for line in answer.splitlines() if "x-forwarded-client-cert" in line.lower()]
    assert told.rpartition(",")[2].endswith(";URI=spiffe://east.mesh/ns/demo/sa/echo")
    assert "teller" in told, "what is before it, the caller may have written"


@pytest.mark.parametrize(
    "identity",
    [
        "spiffe://west.mesh/ns/demo/sa/echo",
        "spiffe://west.mesh/ns/bank/sa/teller",
        "spiffe://a.east.mesh/ns/demo/sa/echo",
        "spiffe://elsewhere.mesh/ns/demo/sa/echo",
        x509.DNSName("spiffe://west.mesh/ns/demo/sa/echo"),
        x509.DNSName("spiffe://west.mesh/ns/demo/sa/x.istiod.istio-system.svc"),
    ],
    ids=str,
)
def test_no_identity_of_another_mesh_can_be_forged(thief: Issuer, west: West, identity: str | x509.GeneralName) -> None:
    with pytest.raises(OSError, match=REFUSED):
        west.answer(thief, identity)


def test_a_mesh_of_the_same_root_that_the_federation_does_not_know_is_refused(elsewhere: Issuer, west: West) -> None:
    with pytest.raises(OSError, match=REFUSED):
        west.answer(elsewhere, "spiffe://elsewhere.mesh/ns/demo/sa/echo")
