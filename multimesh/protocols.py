"""The protocol that a port of a Service declares, as Istio reads it."""

from collections.abc import Mapping
from typing import Any, get_args

from multimesh.contract import Protocol

_DECLARED: dict[str, Protocol] = {
    **{protocol: protocol for protocol in get_args(Protocol)},
    "https": "tls",
    "mongo": "tcp",
    "mysql": "tcp",
    "redis": "tcp",
    "kubernetes.io/h2c": "http2",
    "kubernetes.io/ws": "http",
    "kubernetes.io/wss": "tls",
}


def declared(port: Mapping[str, Any]) -> Protocol | None:
    """Return the protocol that a Service's port declares: by `appProtocol`, or else by the first word of its name.

    None for any other word, or none: then Istio detects the protocol.
    https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
    """
    if application := str(port.get("appProtocol") or "").lower():
        return _DECLARED.get(application)
    name = str(port.get("name") or "").lower()
    return "grpc-web" if name.startswith("grpc-web") else _DECLARED.get(name.split("-")[0])


def said_by(port: Mapping[str, Any]) -> str:
    """Return what of a Service's port declares its protocol."""
    return f"its appProtocol {port['appProtocol']}" if port.get("appProtocol") else f"its name {port.get('name')}"
