"""A CA that the user brings as PEM files, checked before use: a root, or an issuing CA below an offline root.

Its key is read where a certificate is signed, and is not kept in the state. It may also stay with somebody else.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from components.trust import pem_file
from components.trust.clocks import CLOCK_SKEW
from components.trust.pem_file import PemFileError


class BroughtRootError(ValueError):
    """The user's own CA cannot sign intermediates; the message says why."""


@dataclass(frozen=True)
class BroughtRoot:
    """The user's CA: PEM of the CA that signs, of the CAs between it and the root, and of the root.

    A root that signs itself is both; then nothing is between.
    """

    certificate: str
    """The path of the file with the CA that signs."""
    key: str | None
    """The path of its key; None if somebody else signs."""
    signer_pem: str
    between_pem: str
    """From the CA that signs up to the root, without the root; "" if the root signs."""
    root_pem: str
    not_after: datetime
    """When the first of them expires."""
    root_not_after: datetime
    chain: str | None = None
    """The path of the file with the CAs above the one that signs; None if there is none."""

    @property
    def expires(self) -> str:
        """The end of the root's validity (RFC 3339)."""
        return f"{self.root_not_after:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def issuing_expires(self) -> str | None:
        """When the first CA between the root and what it signs expires (RFC 3339); None if there is none."""
        return f"{self.not_after:%Y-%m-%dT%H:%M:%SZ}" if self.between_pem else None

    def check_outlives(self, intermediate_days: int) -> None:
        """Raise BroughtRootError if intermediates signed now for `intermediate_days` would outlive a CA above them."""
        if self.not_after < datetime.now(UTC) + timedelta(days=intermediate_days) + CLOCK_SKEW:
            raise BroughtRootError(
                f"{self.certificate} expires on {self.not_after:%Y-%m-%d}, before intermediates of {intermediate_days} "
                "days would; lower trust.intermediate_days or use another root"
            )

    def excluded(self, trust_domain: str) -> str | None:
        """Return why a mesh with this trust domain could not work below the CA; None if it could."""
        from components.trust import authority, chain

        if not any(authority.excludes(ca, trust_domain) for ca in chain.certificates(self.between_pem + self.root_pem)):
            return None
        return (
            f"the name constraints of {self.certificate} exclude this trust domain; use one that they permit, "
            "or another root"
        )

    def excluded_host(self, host: str) -> str | None:
        """Return why a control plane with this DNS name could not work below the CA; None if it could."""
        from components.trust import authority, chain

        if all(authority.permits(ca, host) for ca in chain.certificates(self.between_pem + self.root_pem)):
            return None
        return f"the name constraints of {self.certificate} exclude {host}: permit it, or remove the key"


def load(certificate: str, key: str | None, upper: str | None = None) -> BroughtRoot:
    """Read a CA, the CAs above it and its key from the PEM files at these paths.

    The first certificate of the first file is the CA that signs; those above it stand there, too, or in the file
    `upper`. A key file that is not there is not read: it is needed only where a certificate is signed. Raise
    BroughtRootError unless the certificates lead to a self-signed root, all are valid now and allow what is made below
    them, and the key is that of the first one, in a file that only its owner reads.
    """
    from components.trust import authority, chain

    try:
        found = chain.certificates(_read(certificate))
        given = [*found, *(chain.certificates(_read(upper)) if upper else [])]
    except chain.ChainError as error:
        raise BroughtRootError(f"{certificate if upper is None else f'{certificate}, {upper}:'} {error}") from None
    signer = given[0]
    if key is not None and _is_there(key):
        _check_key(certificate, key, signer)
    for fault in authority.faults(signer):
        raise BroughtRootError(f"{certificate} {fault}")
    try:
        way = chain.path(given)
    except chain.ChainError as error:
        if len(given) == 1:
            message = f"{certificate} is not a root: another CA signed it; add the CAs above it as `chain`"
            raise BroughtRootError(message) from None
        raise BroughtRootError(f"{upper or certificate} {error}") from None
    now = datetime.now(UTC)
    for number, one in enumerate(way, 1):
        for fault in [*authority.faults(one, number), *authority.dates(one, now)]:
            at = certificate if number == 1 else f"{upper or certificate}: '{chain.name(one)}'"
            raise BroughtRootError(f"{at} {fault}")
    ends = [one.not_valid_after_utc for one in way]
    return BroughtRoot(
        certificate, key, chain.pem(way[:1]), chain.pem(way[:-1]), chain.pem(way[-1:]), min(ends), ends[-1], upper
    )


def _check_key(certificate: str, key: str, signer: Any) -> None:
    """Raise BroughtRootError unless the file has the certificate's private key, and others may not read it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(_read(key).encode(), password=None)
    except TypeError:
        raise BroughtRootError(f"{key} is encrypted; it must be a PEM key without a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BroughtRootError(f"{key} is not a PEM private key") from None
    _check_mode(key)
    if signer.public_key() != private.public_key():
        raise BroughtRootError(f"{key} is not the key of {certificate}")


def _is_there(path: str) -> bool:
    try:
        return "\n" in path or Path(path).expanduser().exists()
    except (RuntimeError, ValueError, OSError):
        return True  # reading it says what is wrong


def _check_mode(key: str) -> None:
    """Raise BroughtRootError if accounts besides the owner's may read the key, where files have such permissions."""
    try:
        pem_file.check_private(key)
    except PemFileError as error:
        raise BroughtRootError(str(error)) from None


def _read(path: str) -> str:
    """Return the content of a text file."""
    if "\n" in path:
        raise BroughtRootError("certificate, chain and key must each be the path of a PEM file, not its content")
    try:
        return pem_file.read(path).decode()
    except PemFileError as error:
        raise BroughtRootError(str(error)) from None
