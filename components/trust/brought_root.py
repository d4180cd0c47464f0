"""A root CA that the user brings: two PEM files, checked before use."""

import os
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

CLOCK_SKEW = timedelta(hours=1)
"""The largest tolerated difference between the clocks of machines that sign and that verify certificates."""


_BROKEN_SIGNATURES = (
    "1.2.840.113549.1.1.4",  # MD5 and RSA
    "1.2.840.113549.1.1.5",  # SHA-1 and RSA
    "1.3.14.3.2.29",  # the same, as old programs write it
    "1.2.840.10045.4.1",  # SHA-1 and ECDSA
    "1.2.840.10040.4.3",  # SHA-1 and DSA
)


class BroughtRootError(ValueError):
    """The user's own root cannot sign intermediates; the message says why."""


@dataclass(frozen=True)
class BroughtRoot:
    """The content of the two PEM files, and the path of the certificate."""

    certificate: str
    certificate_pem: str
    private_key_pem: str = field(repr=False)
    not_after: datetime

    @property
    def expires(self) -> str:
        """The end of validity (RFC 3339)."""
        return f"{self.not_after:%Y-%m-%dT%H:%M:%SZ}"

    def check_outlives(self, intermediate_days: int) -> None:
        """Raise BroughtRootError if intermediates signed now for `intermediate_days` would outlive the root."""
        if self.not_after < datetime.now(UTC) + timedelta(days=intermediate_days) + CLOCK_SKEW:
            raise BroughtRootError(
                f"{self.certificate} expires on {self.not_after:%Y-%m-%d}, before intermediates of {intermediate_days} "
                "days would; lower trust.intermediate_days or use another root"
            )

    def excluded(self, trust_domain: str) -> str | None:
        """Return why the root may not sign the CA of a mesh with this trust domain; None if it may."""
        from cryptography import x509

        from components.trust import authority

        if not authority.excludes(x509.load_pem_x509_certificate(self.certificate_pem.encode()), trust_domain):
            return None
        return (
            f"the name constraints of {self.certificate} exclude this trust domain; use one that they permit, "
            "or another root"
        )


def load(certificate: str, key: str) -> BroughtRoot:
    """Read a root and its key from the PEM files at these paths.

    Raise BroughtRootError unless the certificate is a self-signed CA certificate that is valid now, that may sign other
    CAs, and under which TLS is possible, and the key is its private key in a file that only its owner reads.
    """
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    from components.trust import authority

    certificate_pem, key_pem = read(certificate), read(key)
    try:
        root = x509.load_pem_x509_certificate(certificate_pem)
        public_of_root, _ = root.public_key(), root.extensions
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise BroughtRootError(f"{certificate} is not a PEM certificate") from None
    try:
        private = load_pem_private_key(key_pem, password=None)
    except TypeError:
        raise BroughtRootError(f"{key} is encrypted; it must be a PEM key without a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BroughtRootError(f"{key} is not a PEM private key") from None
    _check_mode(key)

    def public(key: Any) -> bytes:
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    if public(public_of_root) != public(private.public_key()):
        raise BroughtRootError(f"{key} is not the key of {certificate}")
    for fault in authority.faults(root):
        raise BroughtRootError(f"{certificate} {fault}")
    if root.signature_algorithm_oid.dotted_string in _BROKEN_SIGNATURES:
        raise BroughtRootError(
            f"{certificate} is signed with SHA-1 or MD5, which are broken; sign it with SHA-256, with the same key"
        )
    try:
        root.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        raise BroughtRootError(f"{certificate} is not a root: another CA signed it") from None
    check_validity(root.not_valid_before_utc, root.not_valid_after_utc, certificate)
    pem = root.public_bytes(Encoding.PEM).decode()  # without what may stand around it in the file
    return BroughtRoot(certificate, pem, _known_to_every_plugin(key_pem, private), root.not_valid_after_utc)


def _known_to_every_plugin(pem: bytes, key: Any) -> str:
    """Return the file as it is if its first block is the key in a usual format, or else the key in PKCS#8.

    The official TLS plugin reads the first block alone, and `openssl ecparam -genkey` writes EC PARAMETERS before the
    key. Another text would replace all intermediates, so a file that is usual stays as it is.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    label = pem.partition(b"-----BEGIN ")[2].partition(b"-----")[0]
    if label in (b"PRIVATE KEY", b"EC PRIVATE KEY", b"RSA PRIVATE KEY"):
        return pem.decode()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _check_mode(key: str) -> None:
    """Raise BroughtRootError if accounts besides the owner's may read the key, where files have such permissions."""
    mode = stat.S_IMODE(Path(key).expanduser().stat().st_mode)
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BroughtRootError(f"{key} may be read by others (mode {mode:04o}): run `chmod 600 {key}`")


def check_validity(start: datetime, end: datetime, certificate: str) -> None:
    """Raise BroughtRootError unless a certificate with these limits is valid now."""
    now = datetime.now(UTC)
    if end < now:
        raise BroughtRootError(f"{certificate} expired on {end:%Y-%m-%d}")
    if start > now + CLOCK_SKEW:
        raise BroughtRootError(f"{certificate} is not valid before {start:%Y-%m-%d}")


def read(path: str) -> bytes:
    """Return the bytes of a text file."""
    if "\n" in path:
        raise BroughtRootError("certificate and key must each be the path of a PEM file, not its content")
    try:
        content = Path(path).expanduser().read_bytes()
        content.decode()
    except UnicodeDecodeError:
        raise BroughtRootError(f"{path} is not a text file (UTF-8)") from None
    except (RuntimeError, ValueError) as error:  # `~` of nobody, a null character
        raise BroughtRootError(f"{path}: {error}") from None
    except OSError as error:
        raise BroughtRootError(f"{path}: {error.strerror}") from None
    return content
