"""Node ports that somebody's Service has: the API server would refuse the gateway's Service in mid-update."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.clusters.existing.cluster import exposure
from components.clusters.existing.occupied import Read
from components.clusters.existing.settings import GatewaySettings
from components.istio import GATEWAY, JOINED_GATEWAY, NAMESPACE


def taken(gateway: GatewaySettings, read: Read) -> Iterator[str]:
    """Yield a line for each node port of the gateway, 1 to 65535, that another Service of the cluster has."""
    if gateway.service != "NodePort":
        return
    wanted = exposure(gateway)
    ports = {
        "node_port": wanted.node_port or wanted.port,
        "ingress_node_port": wanted.ingress_node_port or wanted.ingress_port,
        "https_node_port": gateway.https_node_port,  # the default's is needed only where the ingress has HTTPS
    }
    owners = {
        port["nodePort"]: f"{service['metadata']['namespace']}/{service['metadata']['name']}"
        for service in read("/api/v1/services")
        if not _is_the_gateway(service)
        for port in service["spec"].get("ports") or []
        if port.get("nodePort")
    }
    for key, port in ports.items():
        if port in owners:
            yield f"the Service {owners[port]} has node port {port} already: set gateway.{key} to one that is free"


def _is_the_gateway(service: Mapping[str, Any]) -> bool:
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
    return name == JOINED_GATEWAY or (namespace, name) == (NAMESPACE, GATEWAY)
