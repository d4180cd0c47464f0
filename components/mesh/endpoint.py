"""Where clients outside the cluster reach a mesh's gateway."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv6Address, ip_address
from typing import Any

import pulumi

from components.clusters.cluster import Cluster
from components.objects import Release, find


class NoAddressError(pulumi.RunError):
    """A gateway Service has no address of a load balancer."""


def load_balancer_address(ingress: Sequence[Mapping[str, Any]] | None, mesh: str) -> str:
    """Return the IP address or DNS name in a Service's `status.loadBalancer.ingress`.

    Raise NoAddressError if there is none.
    """
    for point in ingress or []:
        if address := point.get("ip") or point.get("hostname"):
            return address
    raise NoAddressError(
        f"the gateway Service of mesh {mesh} has no load balancer address; wait for one and run `pulumi up` again, "
        f"or set multimesh:meshes.{mesh}.cluster.gateway"
    )


def of_service(component: pulumi.Resource, mesh: str, cluster: Cluster, gateway: Release) -> pulumi.Output[str]:
    """Return the address of the gateway's load balancer, once its release is installed. Fails with NoAddressError."""
    service = find(
        f"{mesh}-gateway-service",
        "v1",
        "Service",
        pulumi.Output.concat(gateway.status["namespace"], "/", gateway.status["name"]),
        opts=pulumi.ResourceOptions(parent=component, provider=cluster.provider),
    )

    def address(status: dict[str, Any] | None) -> str:
        return load_balancer_address((status or {}).get("loadBalancer", {}).get("ingress"), mesh)

    return service.status.apply(address)


def ingress_url(address: str, port: int) -> str:
    """Return the URL of the ingress gateway."""
    return f"http://{_in_url(address)}" + ("" if port == 80 else f":{port}")


def https_url(address: str, port: int) -> str:
    """Return the URL of the ingress gateway for HTTPS."""
    return f"https://{_in_url(address)}" + ("" if port == 443 else f":{port}")


def _in_url(address: str) -> str:
    try:
        return f"[{address}]" if isinstance(ip_address(address), IPv6Address) else address
    except ValueError:
        return address
