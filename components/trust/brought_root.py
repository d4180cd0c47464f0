"""A root CA that the user brings: two PEM files, checked before use."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import x509

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


def load(certificate: str, key: str) -> BroughtRoot:
    """Read a root and its key from the PEM files at these paths.

    Raise BroughtRootError unless the certificate is a self-signed CA certificate that may sign other CAs and is valid
    now, and the key is its private key.
    """
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    certificate_pem, key_pem = _read(certificate), _read(key)
    try:
        root = x509.load_pem_x509_certificate(certificate_pem)
        public_of_root, extensions = root.public_key(), root.extensions
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise BroughtRootError(f"{certificate} is not a PEM certificate") from None
    try:
        private = load_pem_private_key(key_pem, password=None)
    except TypeError:
        raise BroughtRootError(f"{key} is encrypted; it must be a PEM key without a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BroughtRootError(f"{key} is not a PEM private key") from None

    def public(key: Any) -> bytes:
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    if public(public_of_root) != public(private.public_key()):
        raise BroughtRootError(f"{key} is not the key of {certificate}")
    _check_authority(extensions, certificate)
    if root.signature_algorithm_oid.dotted_string in _BROKEN_SIGNATURES:
        raise BroughtRootError(
            f"{certificate} is signed with SHA-1 or MD5, which are broken; sign it with SHA-256, with the same key"
        )
    try:
        root.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        raise BroughtRootError(f"{certificate} is not a root: another CA signed it") from None
    _check_validity(root.not_valid_before_utc, root.not_valid_after_utc, certificate)
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


def _check_authority(extensions: "x509.Extensions", certificate: str) -> None:
    from cryptography import x509

    def extension(kind: type[x509.ExtensionType]) -> Any:
        try:
            return extensions.get_extension_for_class(kind).value
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
