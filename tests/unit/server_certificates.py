"""Certificates of servers, as files: right but for what a test gives."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
DAY = timedelta(days=1)
HOST = "shop.example"


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Ca:
    """A CA's name, key and certificate."""

    name: str
    key: Key
    certificate: x509.Certificate


@dataclass(frozen=True)
class Wanted:
    """What a certificate has."""

    name: str = "server"
    hosts: Sequence[str] = (HOST,)
    ca: bool = False
    key: Key = field(default_factory=new_key)
    start: datetime = field(default_factory=lambda: datetime.now(UTC) - DAY)
    end: datetime = field(default_factory=lambda: datetime.now(UTC) + 90 * DAY)
    extensions: Sequence[x509.ExtensionType] = ()

    def signed_by(self, issuer: Ca | None, digest: Any = None) -> x509.Certificate:
        """Return the certificate, signed by another CA or by itself."""
        signer = issuer.key if issuer else self.key
        builder = x509.CertificateBuilder(
            _named(issuer.name if issuer else self.name),
            _named(self.name),
            self.key.public_key(),
            1,
            self.start,
            self.end,
        ).add_extension(x509.BasicConstraints(ca=self.ca, path_length=None), critical=True)
        if self.hosts:
            names = x509.SubjectAlternativeName([x509.DNSName(host) for host in self.hosts])
            builder = builder.add_extension(names, critical=False)
        for extension in self.extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(
            signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else digest or hashes.SHA256()
        )


def ca(name: str, issuer: Ca | None = None, **given: Any) -> Ca:
    wanted = Wanted(name, (), ca=True, **given)
    return Ca(name, wanted.key, wanted.signed_by(issuer))


def usage(**allowed: bool) -> x509.KeyUsage:
    names = "content_commitment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"
    none = dict.fromkeys((*names, "digital_signature", "key_encipherment", "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(**none | allowed)


def pem(*chain: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in chain)


def files(folder: Path, chain: bytes, key: Key, *, mode: int = 0o600, password: bytes | None = None) -> dict[str, str]:
    """Write a chain and a key to files; return their paths as `ingress.tls` takes them."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    paths = {"certificate": folder / "server.pem", "key": folder / "server.key"}
    paths["certificate"].write_bytes(chain)
    paths["key"].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    paths["key"].chmod(mode)
    return {name: str(path) for name, path in paths.items()}


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
