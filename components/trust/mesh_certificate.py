"""What a mesh's CA certificate must be that was signed elsewhere, so that its mesh works and is confined: faults.

Import it where such a certificate is read, and nowhere at the top of the program: `cryptography` takes time to load.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from components.trust import authority, chain, constraints, signing

_KINDS = {"URI": x509.UniformResourceIdentifier, "DNS": x509.DNSName, "e-mail": x509.RFC822Name}
"""Envoy compares an identity with names of each of these kinds, so a CA must be confined in all of them."""


def is_for(certificate_pem: str, public_key_pem: str) -> bool:
    """Return whether a certificate (the first in the text) is for a public key. Raise ChainError if it is none."""
    return chain.certificates(certificate_pem)[0].public_key() == load_pem_public_key(public_key_pem.encode())


def faults(way: Sequence[x509.Certificate], trust_domains: Sequence[str], now: datetime) -> Iterator[str]:
    """Yield the end of a sentence about the first certificate for each reason why a mesh should not use it.

    `way` goes from the mesh's CA up to the root. `trust_domains` are the mesh's.
    """
    certificate, *above = way
    yield from authority.faults(certificate, 0)
    yield from authority.dates(certificate, now)
    named = next((one for one in certificate.extensions if isinstance(one.value, x509.NameConstraints)), None)
    if named is None:
        yield f"has no name constraints, so it could sign for every mesh: {_ASK}"
    else:
        if not named.critical:
            yield f"has name constraints that are not critical, so some may ignore them: {_ASK}"
        yield from _confinement(named.value, trust_domains)
    for number, upper in enumerate(above, 1):
        prefix = f"is below '{chain.name(upper)}', which"
        yield from (f"{prefix} {fault}" for fault in authority.faults(upper, number))
        yield from (f"{prefix} {fault}" for fault in authority.dates(upper, now))
        excluded = [domain for domain in trust_domains if authority.excludes(upper, domain)]
        yield from (f"{prefix} excludes the trust domain {domain} (name constraints)" for domain in excluded)


_ASK = "sign the request with the extensions that it asks for"


def _confinement(named: x509.NameConstraints, trust_domains: Sequence[str]) -> Iterator[str]:
    """Yield a fault for each kind of name in which the CA may sign more, or fewer trust domains, than it asked for."""
    asked = signing.name_constraints(trust_domains)
    one, *more = trust_domains
    whose = f"trust domains {', '.join(trust_domains)}" if more else f"trust domain {one}"
    for word, kind in _KINDS.items():
        permitted, excluded = constraints.values(named, kind)
        asked_permitted, asked_excluded = constraints.values(asked, kind)
        if not permitted or not set(permitted) <= set(asked_permitted) or not set(asked_excluded) <= set(excluded):
            yield (f"may sign {word} names other than those of {whose} and its istiod (name constraints): {_ASK}")
    lacking = [domain for domain in trust_domains if not constraints.permits_trust_domain(named, domain)]
    if more and lacking:
        yield f"may not sign for trust domain {', '.join(lacking)} (name constraints): {_ASK}"
