"""A root CA that the user brings: two PEM files, checked before use."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import x509

CLOCK_SKEW = timedelta(hours=1)
"""The largest tolerated difference between the clocks of machines that sign and that verify certificates."""


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


def load(certificate: str, key: str) -> BroughtRoot:
    """Read a root and its key from the PEM files at these paths.

    Raise BroughtRootError unless the certificate is a self-signed CA certificate that may sign other CAs and is valid
    now, and the key is its private key.
    """
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    certificate_pem, key_pem = _read(certificate), _read(key)
    try:
        root = x509.load_pem_x509_certificate(certificate_pem)
    except ValueError:
        raise BroughtRootError(f"{certificate} is not a PEM certificate") from None
    try:
        private = load_pem_private_key(key_pem, password=None)
    except TypeError:
        raise BroughtRootError(f"{key} is encrypted; it must be a PEM key without a password") from None
    except ValueError:
        raise BroughtRootError(f"{key} is not a PEM private key") from None

    def public(key: Any) -> bytes:
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    if public(root.public_key()) != public(private.public_key()):
        raise BroughtRootError(f"{key} is not the key of {certificate}")
    _check_authority(root, certificate)
    try:
        root.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        raise BroughtRootError(f"{certificate} is not a root: another CA signed it") from None
    _check_validity(root.not_valid_before_utc, root.not_valid_after_utc, certificate)
    return BroughtRoot(certificate, certificate_pem.decode(), key_pem.decode(), root.not_valid_after_utc)


def _check_authority(root: "x509.Certificate", certificate: str) -> None:
    from cryptography import x509

    def extension(kind: type[x509.ExtensionType]) -> Any:
        try:
            return root.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None

    constraints, usage = extension(x509.BasicConstraints), extension(x509.KeyUsage)
    if constraints is None or not constraints.ca:
        raise BroughtRootError(f"{certificate} is not a CA (basic constraints)")
    if constraints.path_length == 0:
        raise BroughtRootError(f"{certificate} may not sign intermediate CAs (path length 0)")
    if usage is not None and not usage.key_cert_sign:
        raise BroughtRootError(f"{certificate} may not sign certificates (key usage)")


def _check_validity(start: datetime, end: datetime, certificate: str) -> None:
    now = datetime.now(UTC)
    if end < now:
        raise BroughtRootError(f"{certificate} expired on {end:%Y-%m-%d}")
    if start > now + CLOCK_SKEW:
        raise BroughtRootError(f"{certificate} is not valid before {start:%Y-%m-%d}")


def _read(path: str) -> bytes:
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
