"""Verdicts of BoringSSL, which Envoy verifies with: the one in grpcio, as a server that wants certificates."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from authorities import LEAF_KEY, Authority, pem, root
from cryptography import x509

_HOST = "localhost"
_TIMEOUT = 20.0  # seconds; an answer takes milliseconds


def verdicts(by: Authority, intermediate: Authority, leaves: list[str]) -> list[bool]:
    """Return for each leaf below an intermediate whether a server that trusts `by` alone accepts it."""
    chains = [(leaf + intermediate.certificate).encode() for leaf in leaves]
    servers = root(LEAF_KEY, x509.SubjectKeyIdentifier.from_public_key(LEAF_KEY.public_key()), identifier=None)
    with _server(by, servers) as port:
        return [_is_accepted(servers, port, chain) for chain in chains]


@contextmanager
def _server(by: Authority, servers: Authority) -> Iterator[int]:
    """Yield the port of a server, with a certificate of `servers`, that answers whom it has verified."""
    own = servers.leaf(x509.DNSName(_HOST))
    pair = (pem(LEAF_KEY).encode(), own.encode())
    credentials = grpc.ssl_server_credentials([pair], by.certificate.encode(), require_client_auth=True)
    server = grpc.server(ThreadPoolExecutor(1))
    answer = grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"verified")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Test", {"Ask": answer}),))
    port = server.add_secure_port(f"{_HOST}:0", credentials)
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def _is_accepted(servers: Authority, port: int, chain: bytes) -> bool:
    credentials = grpc.ssl_channel_credentials(servers.certificate.encode(), pem(LEAF_KEY).encode(), chain)
    with grpc.secure_channel(f"{_HOST}:{port}", credentials) as channel:
        try:
            return channel.unary_unary("/Test/Ask")(b"", timeout=_TIMEOUT) == b"verified"
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE, error
            return False
