"""A hand-made peer: certificates issued on the spot, and raw TLS to a gateway."""

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

REQUEST = b"GET / HTTP/1.1\r\nHost: echo.demo\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Issuer:
    """A certificate authority: its certificate, its key, and the PEM certificates from itself up to the root."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: bytes

    @classmethod
    def load(cls, certificate: bytes, key: bytes, chain: bytes) -> "Issuer":
        """An authority from PEM, as in Istio's Secret `cacerts`: ca-cert.pem, ca-key.pem and cert-chain.pem."""
        loaded = serialization.load_pem_private_key(key, None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        return cls(x509.load_pem_x509_certificate(certificate), loaded, chain)

    @classmethod
    def stranger(cls) -> "Issuer":
        """A root of nobody that looks like the stack's: the same names, another key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "multimesh")])
        builder = _builder(name, name, key).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        certificate = builder.sign(key, hashes.SHA256())
        return cls(certificate, key, certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, identity: str | x509.GeneralName, folder: Path) -> Path:
        """A PEM file in `folder`: a key and a certificate for `identity`, with its chain; for one hour.

        A text is a SPIFFE identity; any other kind of name may be forged, too.
        """
        name = x509.UniformResourceIdentifier(identity) if isinstance(identity, str) else identity
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(x509.Name([]), self.certificate.subject, key)
            .add_extension(x509.SubjectAlternativeName([name]), True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]),
                False,
            )
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
            .sign(self.key, hashes.SHA256())
        )
        file = folder / "client.pem"
        file.touch(mode=0o600)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM) + self.chain)
        return file


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        now - timedelta(minutes=5),
        now + timedelta(hours=1),
    )


def ask(address: tuple[str, int], sni: str, root: str, client: Path | None, request: bytes = REQUEST) -> bytes:
    """What the server behind `sni` answers to one GET request by TLS, with the PEM file `client` as certificate.

    The server's own certificate must be of `root` (PEM). Raises OSError (ssl.SSLError is one) when it refuses.
    TLS 1.2, where a server refuses within the handshake. In 1.3 it does so after the client has sent its request, and
    the reset of a connection with unread data can overtake the alert on its way through the gateway.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False  # identities are URIs
    context.load_verify_locations(cadata=root)
    context.set_alpn_protocols(["istio"])
    if client:
        context.load_cert_chain(client)
    with (
        socket.create_connection(address, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=sni, suppress_ragged_eofs=False) as connection,
    ):
        return _exchange(connection, request)


def ask_in_plaintext(address: tuple[str, int]) -> bytes:
    """What the server answers to one GET request without TLS; nothing when it closes the connection."""
    with socket.create_connection(address, timeout=10) as connection:
        return _exchange(connection, REQUEST)


def _exchange(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    answer = bytearray()
    while piece := connection.recv(65536):
        answer += piece
    return bytes(answer)
