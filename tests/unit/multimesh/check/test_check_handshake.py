"""What a gateway presents: TLS servers of a test's own, on the loopback address."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from api_server import serving
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sound import NOW

from multimesh.check import handshake
from multimesh.check.handshake import Handshake, shake_hands

IDENTITY = "spiffe://east.mesh/ns/shop/sa/web"
KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(*names: x509.GeneralName) -> str:
    """A certificate, PEM, that signed itself, for these names."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "web")])
    start = NOW - timedelta(days=300)
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 1, start, start + timedelta(days=9000))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


OF_EAST = certificate(x509.UniformResourceIdentifier(IDENTITY))


@contextmanager
def presenting(pem: str, folder: Path, *, mutual: bool = False) -> Iterator[int]:
    """A TLS server with this certificate, which asks callers for one of the same; yields its port."""
    file = folder / "server.pem"
    file.touch(mode=0o600)
    file.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem.encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=pem)
    with serving(BaseHTTPRequestHandler, context) as at:
        yield int(at.rpartition(":")[2])


def ask(port: int, root: str = OF_EAST) -> Handshake:
    return shake_hands("127.0.0.1", port, "outbound_.80_._.web.shop.svc.cluster.local", root)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a server have a moment to refuse."""
    monkeypatch.setattr(handshake, "_REFUSES_WITHIN", 1.0)


def test_the_identities_of_the_workload_are_seen(tmp_path: Path) -> None:
    with presenting(OF_EAST, tmp_path, mutual=True) as port:
        assert ask(port) == Handshake(connected=True, identities=(IDENTITY,))


def test_a_workload_that_asks_for_no_certificate_is_seen(tmp_path: Path) -> None:
    with presenting(OF_EAST, tmp_path) as port:
        assert ask(port).admitted


def test_a_certificate_of_another_root_is_trouble(tmp_path: Path) -> None:
    with presenting(OF_EAST, tmp_path) as port:
        seen = ask(port, root=certificate())
    assert seen.connected
    assert "self-signed certificate" in seen.trouble.replace("self signed", "self-signed")


def test_a_certificate_without_names_is_of_nobody(tmp_path: Path) -> None:
    nameless = certificate()
    with presenting(nameless, tmp_path, mutual=True) as port:
        assert ask(port, root=nameless) == Handshake(connected=True)


def test_a_gateway_that_closes_the_connection_has_no_route() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closing = threading.Thread(target=lambda: server.accept()[0].close())
        closing.start()
        seen = ask(server.getsockname()[1])
        closing.join()
    assert seen.connected
    assert seen.closed


def test_a_gateway_that_nobody_reaches_is_not_connected() -> None:
    seen = ask(1)
    assert not seen.connected
    assert "refused" in seen.trouble
