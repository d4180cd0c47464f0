"""Certificates for tests of trust: a root, requests, and leaves as a CA's holder would forge them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Authority:
    """A CA: its certificate (PEM) and its key."""

    certificate: str
    key: Key

    @property
    def key_pem(self) -> str:
        return pem(self.key)

    def below(self, name: str, key: Key | None = None, **given: Any) -> "Authority":
        """Return a CA that this one signs; `given` are as for `certified`."""
        key = key or new_key()
        issuer = x509.load_pem_x509_certificate(self.certificate.encode())
        return Authority(certified(named(name), key, issuer.subject, self.key, **given), key)

    def leaf(self, *names: x509.GeneralName) -> str:
        """Return a workload's certificate with these names, for LEAF_KEY, signed with the CA's key."""
        issuer = x509.load_pem_x509_certificate(self.certificate.encode())
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            issuer.subject,
            x509.Name([]),
            LEAF_KEY.public_key(),
            x509.random_serial_number(),
            now - timedelta(hours=1),
            now + timedelta(hours=1),
        )
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        signed = (
            builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return signed.public_bytes(Encoding.PEM).decode()


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


LEAF_KEY = new_key()
"""The key of every leaf."""


def pem(key: Key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: Key) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def request(key: Key, name: str = "multimesh east") -> str:
    """Return a certificate request (PEM)."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(named(name))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def certified(
    subject: x509.Name,
    key: Key,
    issuer: x509.Name,
    issuer_key: Key,
    *extensions: x509.ExtensionType,
    ca: bool = True,
    path_length: int | None = None,
    days: tuple[int, int] = (-1, 4000),
    critical: bool = True,
) -> str:
    """Return the certificate (PEM) of a CA, valid from the first to the last of the days from now."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not any(isinstance(extension, x509.KeyUsage) for extension in extensions):
        builder = builder.add_extension(_usage(), critical=True)
    for extension in extensions:
        builder = builder.add_extension(extension, critical)
    algorithm = None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(issuer_key, algorithm).public_bytes(Encoding.PEM).decode()


def _usage() -> x509.KeyUsage:
    unused = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    flags = dict.fromkeys((*unused, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(**flags, key_cert_sign=True, crl_sign=True)


def forged_request() -> str:
    """Return a request whose signature is wrong."""
    der = x509.load_pem_x509_csr(request(new_key()).encode()).public_bytes(Encoding.DER)
    return x509.load_der_x509_csr(der[:-1] + bytes([der[-1] ^ 1])).public_bytes(Encoding.PEM).decode()


def root(key: Key | None = None, *extensions: x509.ExtensionType, identifier: bytes | None = b"\1" * 20) -> Authority:
    """Return a root with these extensions besides those that every CA has."""
    key = key or new_key()
    extensions = (*extensions, *([x509.SubjectKeyIdentifier(identifier)] if identifier else []))
    start = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(named("root"), named("root"), key.public_key(), 1, start, start + timedelta(days=4000))
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(_usage(), critical=True)
    )
    for extension in extensions:
        certificate = certificate.add_extension(extension, critical=False)
    return Authority(certificate.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode(), key)
