"""What a certificate of the ingress must be, so that clients of the world accept it: faults, as plain X.509.

Import it where a certificate is read, and nowhere at the top of the program: `cryptography` takes time to load.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from components.trust import authority

_BROKEN = (hashes.MD5, hashes.SHA1)
_SERVER = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
_CLOCK_SKEW = timedelta(hours=1)


def faults(chain: Sequence[x509.Certificate], now: datetime) -> Iterator[str]:
    """Yield the end of a sentence about the file for each reason why clients would refuse the chain, leaf first."""
    yield from _order_faults(chain)
    for number, certificate in enumerate(chain):
        which = f"has a certificate of {_subject(certificate)} that"
        yield from (f"{which} {fault}" for fault in _faults_of_each(certificate, now))
        if number and not _is_ca(certificate):
            yield f"{which} is no CA, so it cannot have signed the one before it (basic constraints)"
    yield from _leaf_faults(chain[0])


def hosts(leaf: x509.Certificate) -> list[str]:
    """Return the DNS names of a certificate, in lower case. Clients ignore its common name (RFC 9525, 4.1)."""
    names = authority.extension(leaf, x509.SubjectAlternativeName)
    return [name.lower() for name in names.get_values_for_type(x509.DNSName)] if names else []


def names_host(names: Sequence[str], host: str) -> bool:
    """Return whether one of a certificate's names is `host`; `*` in it is one label, the first (RFC 9525, 6.3)."""
    parent = host.partition(".")[2]
    return host in names or (bool(parent) and not host.startswith("*.") and f"*.{parent}" in names)


def _order_faults(chain: Sequence[x509.Certificate]) -> Iterator[str]:
    if _is_ca(chain[0]) and any(not _is_ca(other) for other in chain[1:]):
        yield "begins with a CA: put the certificate of the hosts first, then the CA that signed it, and so on"
        return
    for one, issuer in pairwise(chain):
        try:
            one.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
            yield (
                f"is not in order: {_subject(one)} is not signed by {_subject(issuer)}, which follows it; put each "
                "certificate's issuer after it, and nothing else in the file"
            )
            return


def _faults_of_each(certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if end <= now:
        yield f"expired on {end.astimezone(UTC):%Y-%m-%d}"
    elif start > now + _CLOCK_SKEW:
        yield f"is not valid before {start.astimezone(UTC):%Y-%m-%d}"
    yield from authority.key_faults(certificate.public_key(), "has a key that the gateway cannot serve with")
    if certificate.subject != certificate.issuer and isinstance(_hash(certificate), _BROKEN):
        yield "is signed with SHA-1 or MD5, which are broken; let its CA sign it with SHA-256"


def _leaf_faults(leaf: x509.Certificate) -> Iterator[str]:
    if _is_ca(leaf):
        yield "is a CA's alone; a server needs a certificate of its hosts, which a CA signed"
    usage, extended = authority.extension(leaf, x509.KeyUsage), authority.extension(leaf, x509.ExtendedKeyUsage)
    if usage is not None and not usage.digital_signature:
        yield "may not sign handshakes (key usage without digitalSignature)"
    if extended is not None and not _SERVER & set(extended):
        yield "may not be a server's (extended key usage without serverAuth)"
    if not hosts(leaf):
        yield "names no host: clients read the DNS names alone (subjectAltName), not the common name"


def _is_ca(certificate: x509.Certificate) -> bool:
    basic = authority.extension(certificate, x509.BasicConstraints)
    return basic is not None and basic.ca


def _hash(certificate: x509.Certificate) -> hashes.HashAlgorithm | None:
    try:
        return certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None


def _subject(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else (hosts(certificate) or ["no name"])[0]
