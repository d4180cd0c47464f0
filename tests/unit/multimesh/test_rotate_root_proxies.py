"""What a proxy has, as Envoy says it, and what it lacks, as the command says it."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from certificates import PEM, root
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from trust.authorities import Authority, certified, named

from components.trust import signing
from multimesh.proxies import proxy
from multimesh.proxies.cluster import Proxy, Workload
from multimesh.proxies.proxy import ProxyTrust
from multimesh.rotate_root.lacks import Need, lack, lines, must_restart

WEB = Workload("east", "shop", "Deployment", "web")
TRUST = ProxyTrust(frozenset({"old", "new"}), "ca", "old", checks_revocation=True)
READY = Proxy(WEB, "web-1", learns=True, trust=TRUST)
NAMES = {"old": "created-1", "new": "created-2"}


def dump(chain: str, roots: str, **context: object) -> str:
    def inline(text: str) -> dict[str, str]:
        return {"inline_bytes": base64.b64encode(text.encode()).decode()}

    secrets = [
        {"name": "default", "tls_certificate": {"certificate_chain": inline(chain)}},
        {"name": "ROOTCA", "validation_context": {"trusted_ca": inline(roots), **context}},
    ]
    return json.dumps({"configs": [{"name": one["name"], "secret": one} for one in secrets]})


def key(pem: str) -> str:
    return proxy.key_of(x509.load_pem_x509_certificate(pem.encode()))


def test_the_root_that_a_certificate_is_signed_under_is_found_by_its_signature() -> None:
    """By name both roots are the same."""
    new_key, ca_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    old, new = root(ec.generate_private_key(ec.SECP256R1()), 3650), root(new_key, 3650)
    asked = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(ca_key, hashes.SHA256())
    private = new_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    text = asked.public_bytes(Encoding.PEM).decode()
    ca = signing.sign(text, new, private, ["east.mesh"], 24, datetime.now(UTC)).certificate_pem
    found = proxy.parse(dump(PEM + ca, old + new, crl={"filename": "x"}))
    assert found == ProxyTrust(frozenset({key(old), key(new)}), key(ca), key(new), checks_revocation=True)


def test_the_root_above_an_issuing_ca_is_found_by_the_chain() -> None:
    offline_key, issuing_key, ca_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    name = named("offline")
    offline = Authority(certified(name, offline_key, name, offline_key), offline_key)
    issuing = offline.below("issuing", issuing_key)
    ca = issuing.below("ca", ca_key)
    found = proxy.parse(dump(PEM + ca.certificate + issuing.certificate, offline.certificate))
    assert found.signed_under == key(offline.certificate)


@pytest.mark.parametrize("text", ["{}", '{"configs": []}', "not JSON"])
def test_a_proxy_without_secrets_has_nothing_yet(text: str) -> None:
    with pytest.raises(ValueError, match=r"it has no secret|Expecting value"):
        proxy.parse(text)


@pytest.mark.parametrize(
    ("found", "need", "what"),
    [
        (READY, Need(NAMES), None),
        (READY, Need(NAMES, signed_under="old", only=True, revocation=True), None),
        (READY, Need({"third": "created-3"}), "does not trust created-3"),
        (READY, Need(NAMES, signed_under="new"), "has a certificate that is not signed under created-2"),
        (READY, Need({"old": "created-1"}, only=True), "still trusts a root that is dropped"),
        (
            replace(READY, trust=replace(TRUST, checks_revocation=False)),
            Need(NAMES, revocation=True),
            "checks no revocation list",
        ),
        (replace(READY, trust=None, trouble="gone"), Need(NAMES), "cannot be asked: gone"),
    ],
)
def test_what_a_proxy_lacks(found: Proxy, need: Need, what: str | None) -> None:
    assert lack(found, need) == what


def test_a_proxy_that_learns_roots_needs_no_restart() -> None:
    need = Need({"third": "created-3"})
    assert not must_restart(READY, need)
    assert must_restart(replace(READY, learns=False), need)
    assert not must_restart(replace(READY, learns=False), Need(NAMES)), "it lacks nothing"


def test_a_proxy_that_was_started_without_lists_must_restart() -> None:
    assert must_restart(replace(READY, trust=replace(TRUST, checks_revocation=False)), Need(NAMES, revocation=True))


def test_a_workload_is_named_once_with_what_to_do() -> None:
    old = replace(READY, learns=False)
    assert lines([old, replace(old, pod="web-2")], Need({"third": "created-3"})) == [
        "east: Deployment shop/web does not trust created-3: restart it (2 pods)"
    ]
