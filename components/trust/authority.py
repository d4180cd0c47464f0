"""What a user's own root must be, so that what is signed under it is accepted in TLS: faults, as plain X.509.

Import it where a root is read, and nowhere at the top of the program: `cryptography` takes time to load.
"""

from collections.abc import Iterator
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from components.istio import ISTIOD
from components.trust import constraints

_SMALLEST_RSA_BITS = 2048
_CURVES = {"secp256r1", "secp384r1", "secp521r1"}
_TLS = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def faults(root: x509.Certificate) -> Iterator[str]:
    """Yield the end of a sentence about the certificate for each reason why no mesh could work under it."""
    yield from _key_faults(root.public_key())
    basic, usage = _extension(root, x509.BasicConstraints), _extension(root, x509.KeyUsage)
    if basic is None or not basic.ca:
        yield "is not a CA (basic constraints)"
    elif basic.path_length == 0:
        yield "may not sign intermediate CAs (path length 0)"
    if usage is not None and not usage.key_cert_sign:
        yield "may not sign certificates (key usage)"
    extended = _extension(root, x509.ExtendedKeyUsage)
    if (
        extended is not None
        and not _TLS.issubset(extended)
        and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in extended
    ):
        yield (
            "excludes TLS (extended key usage): workloads are servers and clients, so use a root that states both "
            "serverAuth and clientAuth, or none at all"
        )
    names = _extension(root, x509.NameConstraints)
    if names is not None and not constraints.permits_host(names, ISTIOD):
        yield f"excludes {ISTIOD}, the name of istiod's own certificate (name constraints): permit it"
    if names is not None and constraints.restricts_subjects(names):
        yield "restricts the subjects of certificates (name constraints); use a root that restricts none"


def excludes(root: x509.Certificate, trust_domain: str) -> bool:
    """Return whether the root's name constraints exclude the identities of a trust domain."""
    names = _extension(root, x509.NameConstraints)
    return names is not None and not constraints.permits_trust_domain(names, trust_domain)


def excludes_host(root: x509.Certificate, host: str) -> bool:
    """Return whether the root's name constraints exclude a DNS name."""
    names = _extension(root, x509.NameConstraints)
    return names is not None and not constraints.permits_host(names, host)


def _key_faults(key: object) -> Iterator[str]:
    needed = f"it must be RSA of {_SMALLEST_RSA_BITS} bits or more, or ECDSA on P-256, P-384 or P-521"
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _SMALLEST_RSA_BITS:
            yield f"has an RSA key of {key.key_size} bits; {needed}"
    elif not isinstance(key, ec.EllipticCurvePublicKey):
        yield f"has a key that Istio's proxies do not verify; {needed}"
    elif key.curve.name not in _CURVES:
        yield f"has an ECDSA key on {key.curve.name}; {needed}"


def _extension(root: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return root.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
