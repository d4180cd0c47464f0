"""Checks of the gateways: they run, are where the stack says, and nobody else listens on the port for peers."""

from collections.abc import Iterable, Mapping
from typing import Any

from multimesh.check.cluster import Cluster, Object
from multimesh.check.control_planes import unavailable
from multimesh.check.federation import Federation
from multimesh.check.result import Check, Problem, Severity

PEER_PORT = 15443
_UP = "`pulumi up --refresh` makes it as it was"


def _deployments(cluster: Cluster) -> list[Object]:
    return [
        one
        for one in cluster.all("Deployment")
        if cluster.plane.gateway_selector.items() <= (one["spec"]["template"]["metadata"].get("labels") or {}).items()
    ]


def _services(cluster: Cluster) -> list[Object]:
    found = cluster.all("Service")
    return [
        one for one in found if cluster.plane.gateway_selector.items() <= (one["spec"].get("selector") or {}).items()
    ]


def _ready(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in federation.clusters.items():
        deployments = _deployments(cluster)
        if not deployments:
            yield Problem(mesh, "there is no Deployment of the gateway", _UP)
        for deployment in deployments:
            if lack := unavailable(deployment):
                about = deployment["metadata"]
                remedy = f"kubectl -n {about['namespace']} describe deployment {about['name']}"
                yield Problem(mesh, f"the gateway: {lack}", remedy)


def _address(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in federation.clusters.items():
        about = federation.outputs.meshes[mesh]
        services = _services(cluster)
        if not services:
            yield Problem(mesh, "there is no Service of the gateway", _UP)
            continue
        if not any(_offers(service, about.gateway_port) for service in services):
            ports = ", ".join(sorted({str(number) for service in services for number in _numbers(service)}))
            cause = f"the gateway's Service has no port {about.gateway_port} for peers, only {ports}"
            yield Problem(mesh, cause, _UP)
        addresses = {address for service in services for address in _balancer_addresses(service)}
        if addresses and about.gateway_address not in addresses:
            cause = f"the gateway's load balancer has {', '.join(sorted(addresses))}, outputs {about.gateway_address}"
            yield Problem(mesh, cause, "run `pulumi up --refresh` here, then `pulumi up` in each peer's stack")


def _offers(service: Object, number: int) -> bool:
    return number in _numbers(service)


def _numbers(service: Object) -> set[int]:
    """Return the numbers at which the gateway's port for peers may be reached."""
    ports: list[Mapping[str, Any]] = service["spec"].get("ports") or []
    return {one[key] for one in ports for key in ("port", "nodePort") if one.get("port") == PEER_PORT and one.get(key)}


def _balancer_addresses(service: Object) -> list[str]:
    found = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return [address for one in found for address in (one.get("ip"), one.get("hostname")) if address]


def _reachable(federation: Federation) -> Iterable[Problem]:
    for mesh, shaken in federation.gateways.items():
        about = federation.outputs.meshes[mesh]
        at = f"{about.gateway_address}:{about.gateway_port}"
        if reasons := {one.trouble for one in shaken.values() if not one.connected}:
            cause = f"{at} cannot be reached from this machine: {', '.join(sorted(reasons))}"
            remedy = "see the gateway's Service, node ports and firewalls; if only peers may reach it, ignore this"
            yield Problem(mesh, cause, remedy, Severity.WARNING)


def _others(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in federation.clusters.items():
        for name in on_peer_port(cluster, wide=False):
            if name != f"{cluster.plane.root_namespace}/peers":
                cause = f"Gateway {name} also listens on the gateway's port {PEER_PORT}"
                yield Problem(mesh, cause, "give it another port: what both list is decided by their age")


def on_peer_port(cluster: Cluster, *, wide: bool) -> list[str]:
    """Return the Gateways on the port for peers of the mesh's gateway; with `wide`, those with a host by wildcard."""
    return [
        f"{one['metadata']['namespace']}/{one['metadata']['name']}"
        for one in cluster.all("Gateway")
        if (one["spec"].get("selector") or {}).items() <= cluster.plane.gateway_selector.items()
        for server in one["spec"].get("servers") or []
        if server["port"]["number"] == PEER_PORT
        if not wide or any(host.rpartition("/")[2].startswith("*") for host in server.get("hosts") or [])
    ]


CHECKS = [
    Check("gateway-ready", "Gateways", "every gateway is available", _ready),
    Check("gateway-address", "Gateways", "every gateway is where the outputs say", _address),
    Check("gateway-reachable", "Gateways", "every gateway can be reached from this machine", _reachable),
    Check("gateway-foreign", "Gateways", "no other Gateway listens on the port for peers", _others),
]
