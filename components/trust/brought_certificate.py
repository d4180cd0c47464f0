"""A certificate of the ingress that the user brings: two PEM files, checked before use."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from components.trust import pem_file
from components.trust.pem_file import PemFileError


@dataclass(frozen=True)
class BroughtCertificate:
    """The content of the two PEM files, the path of the certificate, and the hosts that it names."""

    certificate: str
    chain_pem: str
    """The certificate of the hosts, then the CAs that signed it."""
    private_key_pem: str = field(repr=False)
    hosts: Sequence[str]
    not_after: datetime

    @property
    def expires(self) -> str:
        """The end of validity (RFC 3339)."""
        return f"{self.not_after:%Y-%m-%dT%H:%M:%SZ}"

    def unnamed(self, host: str) -> str | None:
        """Return why clients that ask for `host` would refuse the certificate; None if it names it."""
        from components.trust import server_chain

        if server_chain.names_host(self.hosts, host):
            return None
        return f"{self.certificate} does not name this host, only {', '.join(self.hosts)}; use one that does"


def load(certificate: str, key: str) -> BroughtCertificate:
    """Read a server's certificate, with its chain, and its key from the PEM files at these paths.

    Raise PemFileError unless the key is the certificate's, in a file that only its owner reads, the chain is in order,
    and clients accept every certificate of it today.
    """
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
        load_pem_private_key,
    )

    from components.trust import server_chain

    chain_pem, key_pem = pem_file.read(certificate), pem_file.read(key)
    try:
        chain = x509.load_pem_x509_certificates(chain_pem)
        public_of_leaf = chain[0].public_key()
        for one in chain:
            _ = one.public_key(), one.extensions
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise PemFileError(f"{certificate} is not a PEM file of certificates") from None
    try:
        private = load_pem_private_key(key_pem, password=None)
    except TypeError:
        raise PemFileError(f"{key} is encrypted; it must be a PEM key without a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise PemFileError(f"{key} is not a PEM private key") from None
    pem_file.check_private(key)

    def public(key: Any) -> bytes:
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    for fault in server_chain.faults(chain, datetime.now(UTC)):
        raise PemFileError(f"{certificate} {fault}")
    if public(public_of_leaf) != public(private.public_key()):
        raise PemFileError(f"{key} is not the key of {certificate}")
    return BroughtCertificate(
        certificate,
        "".join(one.public_bytes(Encoding.PEM).decode() for one in chain),
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        server_chain.hosts(chain[0]),
        chain[0].not_valid_after_utc,
    )
