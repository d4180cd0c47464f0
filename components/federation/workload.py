"""The workload behind an exported Service."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.federation.exported_service import ExportedService


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
    ports = {int(port["port"]): port for port in spec.get("ports") or []}
    if service.port not in ports:
        has = ", ".join(map(str, ports)) or "none"
        raise UnusableServiceError(f"{where} has no port {service.port}; it has: {has}")
    target = ports[service.port].get("targetPort") or service.port
    return Workload(cluster_ip, dict(selector), None if isinstance(target, str) else int(target))
