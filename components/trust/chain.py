"""Chains of certificates, as plain X.509: reading them from PEM, and finding the way up to a root.

Import it where certificates are read, and nowhere at the top of the program: `cryptography` takes time to load.
"""

import re
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


class ChainError(ValueError):
    """The end of a sentence about the certificates: why they are no chain."""


def certificates(pem: str) -> list[x509.Certificate]:
    """Return the certificates in a text, in its order, without what stands between them.

    Raise ChainError if there is none, or one cannot be read.
    """
    found = []
    for number, block in enumerate(_CERTIFICATE.findall(pem), 1):
        try:
            certificate = x509.load_pem_x509_certificate(block.encode())
            _ = certificate.public_key(), certificate.extensions  # parsed when they are asked for
        except _UNREADABLE:
            raise ChainError(f"has a certificate that cannot be read (number {number} in it)") from None
        found.append(certificate)
    if not found:
        raise ChainError("is not a PEM certificate")
    return found


def path(given: Sequence[x509.Certificate], known: Sequence[x509.Certificate] = ()) -> list[x509.Certificate]:
    """Return the way from the first certificate up to a root, each signed by the next, whatever the order of the rest.

    A certificate that is there twice counts once; of the `known` ones, not all need be on the way. Raise ChainError if
    an issuer is missing, or a given one is not on the way.
    """
    found, rest = [given[0]], [*given[1:], *known]
    while not is_signed_by(found[-1], found[-1]):
        issuer = next((one for one in rest if one not in found and is_signed_by(found[-1], one)), None)
        if issuer is None:
            raise ChainError(
                f"ends at '{name(found[-1])}', and the CA that signed it, '{_text(found[-1].issuer)}', is not there: "
                "the chain must go up to a self-signed root"
            )
        found.append(issuer)
    if strangers := [one for one in given if one not in found]:
        raise ChainError(f"has '{name(strangers[0])}', which is not on the way from '{name(found[0])}' to its root")
    return found


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether the issuer has the name that the certificate states, and its key signed it."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def pem(found: Sequence[x509.Certificate]) -> str:
    """Return certificates as PEM, one after the other."""
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in found)


def name(certificate: x509.Certificate) -> str:
    """Return how a message names a certificate: by its subject."""
    return _text(certificate.subject)


def _text(subject: x509.Name) -> str:
    return subject.rfc4514_string() or "a CA without a name"
