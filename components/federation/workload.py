"""The workload behind an exported Service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.federation.exported_service import ExportedService

_OTHER_PROTOCOLS = ("grpc", "https", "kubernetes.io/wss", "mongo", "mysql", "redis", "tcp", "tls")
"""Application protocols that are not HTTP/1.1: exported as HTTP, their connections break.

https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
"""


class UnusableServiceError(pulumi.RunError):
    """A Service cannot be exported as configured; the message says why."""


@dataclass(frozen=True)
class Workload:
    """A Service's cluster IP, and its pods: their labels, and their port (None if the Service names it)."""

    cluster_ip: str
    selector: Mapping[str, str]
    port: int | None


def workload(spec: Mapping[str, Any], service: ExportedService, mesh: str) -> Workload:
    """Return the workload behind a Service with this `spec`. Raise UnusableServiceError if it cannot be exported."""
    where = f"Service {service.namespace}/{service.name} in mesh {mesh}"
    cluster_ip, selector = spec.get("clusterIP"), spec.get("selector")
    if not cluster_ip or cluster_ip == "None":
        raise UnusableServiceError(f"{where} has no cluster IP; a headless or external Service cannot be exported")
    if not selector:
        raise UnusableServiceError(f"{where} has no selector, so its pods, which must admit the callers, are not known")
    port = _port(spec.get("ports") or [], service.port, where)
    protocol = application_protocol(port)
    if protocol in _OTHER_PROTOCOLS:
        said = f"appProtocol {port['appProtocol']}" if port.get("appProtocol") else f"name {port['name']}"
        raise UnusableServiceError(
            f"{where}: port {service.port} is {protocol} (by its {said}), but only HTTP can be exported: remove the "
            "service from multimesh:services, or correct the port's name or appProtocol if it is HTTP"
        )
    target = port.get("targetPort") or service.port
    return Workload(cluster_ip, dict(selector), None if isinstance(target, str) else int(target))


def application_protocol(port: Mapping[str, Any]) -> str:
    """Return the protocol that a Service's port declares, as Istio reads it: `appProtocol`, or the start of its name.

    Any other word than a protocol means that Istio detects the protocol.
    """
    name = str(port.get("name") or "").lower()
    return str(port.get("appProtocol") or "").lower() or (
        "grpc-web" if name.startswith("grpc-web") else name.split("-")[0]
    )


def _port(ports: Sequence[Mapping[str, Any]], number: int, where: str) -> Mapping[str, Any]:
    """Return the TCP port with this number: HTTP/3 shares the number of HTTPS, on UDP."""
    with_number = [port for port in ports if int(port["port"]) == number]
    for port in with_number:
        if port.get("protocol", "TCP") == "TCP":
            return port
    if with_number:
        transport = with_number[0]["protocol"]
        raise UnusableServiceError(f"{where}: port {number} is {transport}, but only TCP ports can be exported")
    has = ", ".join(dict.fromkeys(str(int(port["port"])) for port in ports)) or "none"
    raise UnusableServiceError(f"{where} has no port {number}; it has: {has}")
