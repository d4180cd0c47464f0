"""The ports of a service, and the protocols that Istio knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

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
_DECLARED: dict[str, Protocol] = {
    **{protocol: protocol for protocol in PROTOCOLS},
    "https": "tls",
    "mongo": "tcp",
    "mysql": "tcp",
    "redis": "tcp",
    "kubernetes.io/h2c": "http2",
    "kubernetes.io/ws": "http",
    "kubernetes.io/wss": "tls",
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


def declared(port: Mapping[str, Any]) -> Protocol | None:
    """Return the protocol that a Service's port declares: by `appProtocol`, or else by the first word of its name.

    None for any other word, or none: then Istio detects the protocol.
    https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
    """
    if application := str(port.get("appProtocol") or "").lower():
        return _DECLARED.get(application)
    name = str(port.get("name") or "").lower()
    return "grpc-web" if name.startswith("grpc-web") else _DECLARED.get(name.split("-")[0])
