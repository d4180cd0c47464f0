"""The objects that expose a control plane to other clusters, and those in each of these that point to it.

Pure functions that return plain data.
Source: https://istio.io/latest/docs/setup/install/multicluster/ (primary-remote).
"""

from ipaddress import ip_address
from typing import Any

import pulumi

from components.clusters.cluster import Exposure
from components.istio import GATEWAY_SELECTOR, ISTIOD, NAMESPACE, Spec
from components.mesh.roles import Role

Values = dict[str, Any]

ISTIOD_PORT, WEBHOOK_PORT = 15012, 15017
ISTIOD_NODE_PORT, WEBHOOK_NODE_PORT = 31012, 31017


class UnusablePrimaryError(pulumi.RunError):
    """A cluster's control plane cannot serve other clusters; the message says why."""


def istiod_ports(exposure: Exposure) -> list[Values]:
    """Return the ports of a primary's gateway Service that it forwards to its control plane."""
    ports: list[Values] = [
        {"name": "tls-istiod", "port": ISTIOD_PORT, "targetPort": ISTIOD_PORT, "protocol": "TCP"},
        {"name": "tls-webhook", "port": WEBHOOK_PORT, "targetPort": WEBHOOK_PORT, "protocol": "TCP"},
    ]
    if exposure.service == "NodePort":
        ports[0]["nodePort"], ports[1]["nodePort"] = ISTIOD_NODE_PORT, WEBHOOK_NODE_PORT
    return ports


def istiod_gateway() -> Spec:
    """Return the Gateway for the clusters that a primary serves: it passes TLS through to istiod and nothing else."""
    ports = [(ISTIOD_PORT, "tls-istiod"), (WEBHOOK_PORT, "tls-webhook")]
    return {
        "selector": GATEWAY_SELECTOR,
        "servers": [
            {
                "port": {"number": port, "name": name, "protocol": "TLS"},
                "tls": {"mode": "PASSTHROUGH"},
                "hosts": [f"./{ISTIOD}"],
            }
            for port, name in ports
        ],
    }


def istiod_route(gateway: str) -> Spec:
    """Return the VirtualService that routes from that Gateway (`<namespace>/<name>`) to istiod."""
    return {
        "hosts": [ISTIOD],
        "gateways": [gateway],
        "tls": [
            {
                "match": [{"port": outside, "sniHosts": [ISTIOD]}],
                "route": [{"destination": {"host": f"{ISTIOD}.cluster.local", "port": {"number": inside}}}],
            }
            for outside, inside in ((ISTIOD_PORT, ISTIOD_PORT), (WEBHOOK_PORT, 443))
        ],
    }


def istiod_service() -> Any:
    """Return the spec of the Service named istiod in a cluster that a primary serves; it selects no pods."""
    return {
        "ports": [
            {"name": "tcp-istiod", "port": ISTIOD_PORT, "targetPort": ISTIOD_PORT, "protocol": "TCP"},
            {"name": "tcp-webhook", "port": 443, "targetPort": WEBHOOK_PORT, "protocol": "TCP"},
        ]
    }


def istiod_service_metadata() -> Any:
    """Return that Service's metadata, with which Helm takes it over if the cluster gets its own control plane."""
    return {
        "name": "istiod",
        "namespace": NAMESPACE,
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "istiod", "meta.helm.sh/release-namespace": NAMESPACE},
    }


def istiod_endpoints(exposure: Exposure) -> list[Any]:
    """Return the ports of the EndpointSlice behind that Service: those of the primary's gateway.

    Raise UnusablePrimaryError if whatever forwards to the nodes' ports does not forward istiod's.
    """
    if exposure.node_port is not None:
        raise UnusablePrimaryError(
            f"peers reach the primary's gateway at port {exposure.port}, which is forwarded to node port "
            f"{exposure.node_port}; istiod's ports {ISTIOD_PORT} and {WEBHOOK_PORT} are not forwarded. With "
            "control_plane: one, the primary's gateway must be reached through a load balancer of Kubernetes, "
            "or at its node ports directly"
        )
    tls, webhook = istiod_ports(exposure)
    return [
        {"name": "tcp-istiod", "port": tls.get("nodePort", ISTIOD_PORT), "protocol": "TCP"},
        {"name": "tcp-webhook", "port": webhook.get("nodePort", WEBHOOK_PORT), "protocol": "TCP"},
    ]


def address_type(address: str) -> str:
    """Return an EndpointSlice's addressType. Raise UnusablePrimaryError unless the address is an IP address."""
    try:
        return f"IPv{ip_address(address).version}"
    except ValueError:
        raise UnusablePrimaryError(
            f"the primary's gateway has the address {address}: with control_plane: one it must have an IP address, "
            "as the endpoints of a Service cannot be DNS names"
        ) from None


def remote_values(role: Role, root_bundle: Any) -> Values:
    """Return the istiod chart's values in a cluster that a primary serves: no control plane, only its webhook.

    `root_bundle` is the root CA's PEM in base64, with which the API server verifies istiod's webhook.
    """
    network = f"/net/{role.network}" if role.network else ""
    return {
        "profile": "remote",
        # The primary reads the trust domains of the cluster's pods from it.
        "configMap": True,
        "meshConfig": role.mesh_config,
        "istiodRemote": {
            "enabled": True,
            "injectionPath": f"/inject/cluster/{role.cluster}{network}",
            "injectionCABundle": root_bundle,
        },
    }
