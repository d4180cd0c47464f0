"""Certificates for tests of trust: a root, requests, and leaves as a CA's holder would forge them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Authority:
    """A CA: its certificate (PEM) and its key."""

    certificate: str
    key: Key

    @property
    def key_pem(self) -> str:
        return pem(self.key)

    def leaf(self, *names: x509.GeneralName) -> str:
        """Return a workload's certificate with these names, signed with the CA's key."""
        issuer = x509.load_pem_x509_certificate(self.certificate.encode())
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            issuer.subject,
            x509.Name([]),
            new_key().public_key(),
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


def pem(key: Key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def request(key: Key, name: str = "multimesh east") -> str:
    """Return a certificate request (PEM)."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(named(name))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def root(key: Key | None = None, *extensions: x509.ExtensionType, identifier: bytes | None = b"\1" * 20) -> Authority:
    """Return a root with these extensions besides those that every CA has."""
    key = key or new_key()
    extensions = (*extensions, *([x509.SubjectKeyIdentifier(identifier)] if identifier else []))
    unused = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    usage = dict.fromkeys((*unused, "encipher_only", "decipher_only"), False) | {
        "key_cert_sign": True,
        "crl_sign": True,
    }
    start = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(named("root"), named("root"), key.public_key(), 1, start, start + timedelta(days=4000))
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
    )
    for extension in extensions:
        certificate = certificate.add_extension(extension, critical=False)
    return Authority(certificate.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode(), key)
