"""istiod as whoever has a token asks it for a certificate: by gRPC, with the two messages of its API written by hand.

https://github.com/istio/api/blob/master/security/v1alpha1/ca.proto
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.e2e.shop.kubectl import Kubectl

_METHOD = "/istio.v1.auth.IstioCertificateService/CreateCertificate"
_CSR, _CHAIN = b"\x0a", 0x0A
"""The first field of the request, and of the answer: a text, and texts."""


@contextmanager
def reached(kubectl: Kubectl) -> Iterator[str]:
    """Yield an address of this machine (`host:port`) that leads to istiod's port for proxies."""
    command = kubectl.command("port-forward", "--namespace=istio-system", "deployment/istiod", ":15012")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as forwarding:
        try:
            assert forwarding.stdout
            said = forwarding.stdout.readline()
            found = re.search(r"127\.0\.0\.1:\d+", said)
            assert found, said
            yield found.group()
        finally:
            forwarding.terminate()


def signed(istiod: str, root: str, token: str, folder: Path) -> Path:
    """Return a PEM file in `folder`, a key and the certificate chain that istiod gives who has `token`.

    Raises grpc.RpcError if istiod refuses.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    credentials = grpc.ssl_channel_credentials(root.encode())
    named = (("grpc.ssl_target_name_override", "istiod.istio-system.svc"),)
    with grpc.secure_channel(istiod, credentials, options=named) as channel:
        ask = channel.unary_unary(_METHOD)
        who = (("authorization", f"Bearer {token}"),)
        answer = ask(_text(request.public_bytes(Encoding.PEM)), metadata=who, timeout=10)
    file = folder / "workload.pem"
    file.touch(mode=0o600)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + b"".join(_texts(answer)))
    return file


def _text(content: bytes) -> bytes:
    size, varint = len(content), b""
    while size > 0x7F:
        varint, size = varint + bytes([size & 0x7F | 0x80]), size >> 7
    return _CSR + varint + bytes([size]) + content


def _texts(message: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(message):
        assert message[at] == _CHAIN
        size, shift, at = 0, 0, at + 1
        while True:
            size, shift, at, more = size | (message[at] & 0x7F) << shift, shift + 7, at + 1, message[at] & 0x80
            if not more:
                break
        yield message[at : at + size]
        at += size
