"""The ports of a service, and the protocols that Istio knows."""

from dataclasses import dataclass
from typing import get_args

from multimesh.contract import Protocol

PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

_IN_SERVICE_ENTRY = {
    "http": "HTTP",
    "http2": "HTTP2",
    "grpc": "GRPC",
    "grpc-web": "GRPC-WEB",
    "tcp": "TCP",
    "tls": "TCP",
}


@dataclass(frozen=True)
class Port:
    """A port of a federated service."""

    number: int
    protocol: Protocol

    @property
    def name(self) -> str:
        """Its name in the ServiceEntry."""
        return f"{self.protocol}-{self.number}"

    @property
    def istio_protocol(self) -> str:
        """Its protocol as a ServiceEntry writes it; TLS of the application is TCP, or Istio would route it by SNI."""
        return _IN_SERVICE_ENTRY[self.protocol]

    @property
    def is_http(self) -> bool:
        """Whether proxies see requests, rather than connections alone."""
        return self.protocol not in ("tcp", "tls")
