"""A CA that clients know and no mesh does: a root, and an intermediate that signs servers' certificates."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_DAY = timedelta(days=1)


class PublicCa:
    """The keys and certificates of the two CAs."""

    def __init__(self) -> None:
        self._root_key, self._key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self._root = _sign("root", self._root_key, "root", self._root_key, None)
        self._intermediate = _sign("intermediate", self._key, "root", self._root_key, None)

    def trusted(self) -> ssl.SSLContext:
        """Return what trusts the root alone."""
        return ssl.create_default_context(cadata=self._root.public_bytes(Encoding.PEM).decode())

    def issue(self, host: str) -> tuple[bytes, bytes]:
        """Return a chain for a host, without the root, and its key, in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _sign("server", key, "intermediate", self._key, host)
        chain = b"".join(one.public_bytes(Encoding.PEM) for one in (leaf, self._intermediate))
        return chain, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def files(self, host: str, folder: Path) -> dict[str, str]:
        """Write both to files, and return their paths as `ingress.tls` takes them."""
        chain, key = self.issue(host)
        paths = {"certificate": folder / "server.pem", "key": folder / "server.key"}
        paths["certificate"].write_bytes(chain)
        paths["key"].touch(mode=0o600)
        paths["key"].write_bytes(key)
        return {name: str(path) for name, path in paths.items()}


def _sign(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    host: str | None,
) -> x509.Certificate:
    """Sign the certificate of a CA, or of a server if there is a host."""

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(
            named(issuer), named(subject), key.public_key(), x509.random_serial_number(), now - _DAY, now + 90 * _DAY
        )
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(signer, hashes.SHA256())
