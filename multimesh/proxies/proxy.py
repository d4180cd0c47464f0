"""What one proxy trusts and presents, from Envoy's own list of its secrets."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ACTIVE_SECRETS = "/config_dump?resource=dynamic_active_secrets"
"""https://www.envoyproxy.io/docs/envoy/latest/operations/admin"""
_IDENTITY, _ROOTS = "default", "ROOTCA"
_INLINE, _FILE = "inline_bytes", "filename"


@dataclass(frozen=True)
class ProxyTrust:
    """The keys (SHA-256) of the roots that a proxy trusts, of its CA, and of the root that this CA's chain ends in.

    `checks_revocation` is whether it looks certificates up in revocation lists.
    """

    roots: frozenset[str]
    ca: str
    signed_under: str
    checks_revocation: bool


def key_of(certificate: x509.Certificate) -> str:
    """Return the SHA-256 (hex) of a certificate's public key."""
    public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).hexdigest()


def parse(text: str) -> ProxyTrust:
    """Return what Envoy's answer to ACTIVE_SECRETS says. Raise ValueError if it has no certificate or no roots yet."""
    secrets = dict(_secrets(json.loads(text)))
    if missing := {_IDENTITY, _ROOTS} - secrets.keys():
        raise ValueError(f"it has no secret {' and no secret '.join(sorted(missing))} yet")
    chain = _certificates(secrets[_IDENTITY]["tls_certificate"]["certificate_chain"])
    context = secrets[_ROOTS]["validation_context"]
    roots = _certificates(context["trusted_ca"])
    if len(chain) < 2:
        raise ValueError("its certificate has no chain up to a CA")
    ca = chain[1]
    return ProxyTrust(
        frozenset(map(key_of, roots)),
        key_of(ca),
        _root_of(ca, [*chain[2:], *roots]),
        bool(context.get("crl")),
    )


def _secrets(dump: Any) -> Iterator[tuple[str, Any]]:
    for entry in dump.get("configs", []):
        secret = entry.get("secret")
        if secret:
            yield secret.get("name", entry.get("name")), secret


def _certificates(source: Any) -> list[x509.Certificate]:
    if _INLINE not in source:
        raise ValueError(f"its certificates are in a file ({source.get(_FILE)}), which Istio does not do")
    return x509.load_pem_x509_certificates(base64.b64decode(source[_INLINE]))


def _root_of(ca: x509.Certificate, above: Sequence[x509.Certificate]) -> str:
    """Return the key of the root that a CA leads to, by way of those between; "" if it leads to none."""
    current = ca
    for _ in range(len(above) + 1):
        if _signed(current, current):
            return key_of(current)
        issuer = next((one for one in above if _signed(current, one)), None)
        if issuer is None:
            return ""
        current = issuer
    return ""


def _signed(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except Exception:
        return False
    return True
