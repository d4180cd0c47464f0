"""A root CA that the user brings: two PEM files, checked before anything trusts them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import x509

CLOCK_SKEW = timedelta(hours=1)
"""How far apart the clocks of those who make and those who check certificates may be."""


class BroughtRootError(ValueError):
    """The brought root cannot sign intermediates; the message says why."""


@dataclass(frozen=True)
class BroughtRoot:
    """PEM texts, and the end of validity as RFC 3339."""

    certificate_pem: str
    private_key_pem: str = field(repr=False)
    expires: str


def load(certificate: str, key: str, intermediate_days: int) -> BroughtRoot:
    """Read a root and its key from PEM files.

    Raises BroughtRootError unless the certificate is a CA's that may sign other CAs, signs itself, is valid now and for
    intermediates of `intermediate_days`, and the key is its own.
    """
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    certificate_pem, key_pem = _read(certificate), _read(key)
    try:
        root = x509.load_pem_x509_certificate(certificate_pem)
    except ValueError:
        raise BroughtRootError(f"{certificate} is no PEM certificate") from None
    try:
        private = load_pem_private_key(key_pem, password=None)
    except TypeError:
        raise BroughtRootError(f"{key} is encrypted; a PEM key without a password is wanted") from None
    except ValueError:
        raise BroughtRootError(f"{key} is no PEM private key") from None

    def public(key: Any) -> bytes:
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    if public(root.public_key()) != public(private.public_key()):
        raise BroughtRootError(f"{key} is not the key of {certificate}")
    _check_authority(root, certificate)
    try:
        root.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        raise BroughtRootError(f"{certificate} is no root: another CA signed it") from None
    _check_validity(root.not_valid_before_utc, root.not_valid_after_utc, certificate, intermediate_days)
    return BroughtRoot(certificate_pem.decode(), key_pem.decode(), f"{root.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}")


def _check_authority(root: "x509.Certificate", certificate: str) -> None:
    from cryptography import x509

    def extension(kind: type[x509.ExtensionType]) -> Any:
        try:
            return root.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None

    constraints, usage = extension(x509.BasicConstraints), extension(x509.KeyUsage)
    if constraints is None or not constraints.ca:
        raise BroughtRootError(f"{certificate} is no CA (basic constraints)")
    if constraints.path_length == 0:
        raise BroughtRootError(f"{certificate} may not sign intermediate CAs (path length 0)")
    if usage is not None and not usage.key_cert_sign:
        raise BroughtRootError(f"{certificate} may not sign certificates (key usage)")


def _check_validity(start: datetime, end: datetime, certificate: str, intermediate_days: int) -> None:
    now = datetime.now(UTC)
    if end < now:
        raise BroughtRootError(f"{certificate} expired on {end:%Y-%m-%d}")
    if start > now + CLOCK_SKEW:
        raise BroughtRootError(f"{certificate} is not valid before {start:%Y-%m-%d}")
    if end < now + timedelta(days=intermediate_days) + CLOCK_SKEW:
        raise BroughtRootError(
            f"{certificate} ends on {end:%Y-%m-%d}, before intermediates of {intermediate_days} days would; "
            "lower trust.intermediate_days or bring another root"
        )


def _read(path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise BroughtRootError(f"{path}: {error.strerror}") from None
