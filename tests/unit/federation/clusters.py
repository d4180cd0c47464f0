"""Made-up clusters: what the API server tells of the Services in them."""

from typing import Any

from components.federation.exported_service import ExportedService
from components.federation.inventory import Inventory
from components.federation.pods import Pod
from multimesh.rules import Rule

WEB = ExportedService("web", "shop", "global", {80: None}, weights={"east": 1}, callers=["east"], number=0)
HTTP = {"name": "http", "port": 80, "targetPort": 8080}


def spec(*ports: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Return a Service's spec."""
    return {"clusterIP": "10.0.0.1", "selector": {"app": "web"}, "ports": list(ports), **given}


def endpoint_slice(*pods: str, **ports: int) -> dict[str, Any]:
    """Return an EndpointSlice of these pods, with the number of each of the Service's ports."""
    return {
        "endpoints": [{"targetRef": {"kind": "Pod", "name": pod}} for pod in pods],
        "ports": [{"name": name.replace("_", "-"), "port": number} for name, number in ports.items()],
    }


def cluster(
    web: dict[str, Any] | None = None,
    *slices: dict[str, Any],
    pods: dict[str, Pod] | None = None,
    rules: tuple[Rule, ...] = (),
    **others: dict[str, Any],
) -> Inventory:
    """Return a cluster with a Service web, and others, and pods in namespace shop."""
    services = {("shop", name): found for name, found in {"web": web, **others}.items() if found is not None}
    found = {("shop", name): pod for name, pod in (pods or {}).items()}
    return Inventory(services, {("shop", "web"): slices}, found, rules)
