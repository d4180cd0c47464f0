"""What a CA of the user's must be, so that what is signed under it is accepted in TLS: faults, as plain X.509.

Import it where such a CA is read, and nowhere at the top of the program: `cryptography` takes time to load.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from components.istio import ISTIOD
from components.trust import constraints
from components.trust.clocks import CLOCK_SKEW

_SMALLEST_RSA_BITS = 2048
_CURVES = {"secp256r1", "secp384r1", "secp521r1"}
_TLS = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


_BROKEN_SIGNATURES = (
    "1.2.840.113549.1.1.4",  # MD5 and RSA
    "1.2.840.113549.1.1.5",  # SHA-1 and RSA
    "1.3.14.3.2.29",  # the same, as old programs write it
    "1.2.840.10045.4.1",  # SHA-1 and ECDSA
    "1.2.840.10040.4.3",  # SHA-1 and DSA
)
_KNOWN_TO_ALL = (
    x509.BasicConstraints,
    x509.KeyUsage,
    x509.ExtendedKeyUsage,
    x509.NameConstraints,
    x509.SubjectAlternativeName,
    x509.CertificatePolicies,
    x509.PolicyConstraints,
    x509.InhibitAnyPolicy,
)
"""The critical extensions that BoringSSL and Go know; each refuses a certificate with one that it does not know."""


def faults(root: x509.Certificate, below: int = 1) -> Iterator[str]:
    """Yield the end of a sentence about a CA's certificate for each reason why no mesh could work under it.

    `below` is how many CAs are between it and a workload.
    """
    yield from key_faults(root.public_key())
    if root.signature_algorithm_oid.dotted_string in _BROKEN_SIGNATURES:
        yield "is signed with SHA-1 or MD5, which are broken; sign it with SHA-256, with the same key"
    basic, usage = extension(root, x509.BasicConstraints), extension(root, x509.KeyUsage)
    if basic is None or not basic.ca:
        yield "is not a CA (basic constraints)"
    elif basic.path_length is not None and basic.path_length < below:
        if below == 1:
            yield "may not sign intermediate CAs (path length 0)"
        else:
            yield f"may have at most {basic.path_length} CAs below it (path length), and here are {below}"
    if usage is not None and not usage.key_cert_sign:
        yield "may not sign certificates (key usage)"
    extended = extension(root, x509.ExtendedKeyUsage)
    if (
        extended is not None
        and not _TLS.issubset(extended)
        and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in extended
    ):
        yield (
            "excludes TLS (extended key usage): workloads are servers and clients, so use a root that states both "
            "serverAuth and clientAuth, or none at all"
        )
    names = extension(root, x509.NameConstraints)
    if names is not None and not constraints.permits_host(names, ISTIOD):
        yield f"excludes {ISTIOD}, the name of istiod's own certificate (name constraints): permit it"
    if names is not None and constraints.restricts_subjects(names):
        yield "restricts the subjects of certificates (name constraints); use a root that restricts none"
    for critical in (one for one in root.extensions if one.critical):
        if not isinstance(critical.value, _KNOWN_TO_ALL):
            yield f"has a critical extension that TLS libraries refuse in a CA ({critical.oid.dotted_string})"
        elif isinstance(critical.value, x509.NameConstraints) and constraints.unknown_to_go(critical.value):
            yield (
                "has critical name constraints that istiod refuses: Go knows URIs, DNS names, e-mail and IP addresses "
                "there, and nothing else"
            )


def dates(certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    """Yield the end of a sentence about a certificate if it is not valid now."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if end < now:
        yield f"expired on {end:%Y-%m-%d}"
    if start > now + CLOCK_SKEW:
        yield f"is not valid before {start:%Y-%m-%d}"


def excludes(root: x509.Certificate, trust_domain: str) -> bool:
    """Return whether the root's name constraints exclude the identities of a trust domain."""
    names = extension(root, x509.NameConstraints)
    return names is not None and not constraints.permits_trust_domain(names, trust_domain)


def permits(ca: x509.Certificate, host: str) -> bool:
    """Return whether a CA's name constraints permit a DNS name."""
    names = extension(ca, x509.NameConstraints)
    return names is None or constraints.permits_host(names, host)


def key_faults(key: object, unknown: str = "has a key that Istio's proxies do not verify") -> Iterator[str]:
    """Yield the end of a sentence about who has this public key if it is too weak, or of an `unknown` kind."""
    needed = f"it must be RSA of {_SMALLEST_RSA_BITS} bits or more, or ECDSA on P-256, P-384 or P-521"
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _SMALLEST_RSA_BITS:
            yield f"has an RSA key of {key.key_size} bits; {needed}"
    elif not isinstance(key, ec.EllipticCurvePublicKey):
        yield f"{unknown}; {needed}"
    elif key.curve.name not in _CURVES:
        yield f"has an ECDSA key on {key.curve.name}; {needed}"


def extension(root: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    """Return an extension of a certificate; None if it has none of that kind."""
    try:
        return root.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
