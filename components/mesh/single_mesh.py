"""One mesh over several clusters: its Helm values and Istio objects, as plain data.

Pure functions. Source of the forms: https://istio.io/latest/docs/setup/install/multicluster/ (multi-primary and
primary-remote, on one network and on different ones).
"""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import pulumi

from components.clusters.cluster import Exposure
from components.istio import GATEWAY_SELECTOR, NAMESPACE, PORT_NAME, Spec, failure_detection
from components.mesh.roles import Role

Values = dict[str, Any]

ISTIOD = f"istiod.{NAMESPACE}.svc"
ISTIOD_PORT, WEBHOOK_PORT = 15012, 15017
ISTIOD_NODE_PORT, WEBHOOK_NODE_PORT = 31012, 31017
CLUSTER_LABEL = "topology.istio.io/cluster"
NETWORK_LABEL = "topology.istio.io/network"
CONTROL_PLANE_ANNOTATION = "topology.istio.io/controlPlaneClusters"


class UnusablePrimary(pulumi.RunError):
    """A cluster whose control plane cannot serve others; the message says why."""


def namespace_metadata(role: Role) -> Any:
    """Return the metadata of istio-system: its network, and the cluster that controls it."""
    labels = {NETWORK_LABEL: role.network} if role.network else {}
    annotations = {CONTROL_PLANE_ANNOTATION: role.primary} if role.primary else {}
    given = {key: value for key, value in (("labels", labels), ("annotations", annotations)) if value}
    return {"name": NAMESPACE, **given}


def networks(exposures: Mapping[str, Exposure]) -> Values:
    """Return MeshNetworks: the gateways, by network, whose address is known before there is a control plane.

    The others are found by istiod: they are load balancers, and their Service says its network.
    """
    return {
        network: {"endpoints": [], "gateways": [{"address": exposure.address, "port": exposure.port}]}
        for network, exposure in exposures.items()
        if exposure.address is not None
    }


def istiod_values(role: Role, networks: Values, spanning: Sequence[str]) -> Values:
    """Return the values of a control plane of its own, over those of every mesh.

    `spanning` are the hosts of the Services that span clusters; every other Service is its own cluster's.
    """
    placed = {"network": role.network, "meshNetworks": networks} if role.network else {}
    serving = {"externalIstiod": True} if role.serves else {}
    return {
        "global": {
            "meshID": role.trust_domain,
            "multiCluster": {"clusterName": role.cluster},
            **placed,
            **serving,
        },
        "meshConfig": {
            "serviceSettings": [
                {"settings": {"clusterLocal": True}, "hosts": ["*.svc.cluster.local"]},
                *([{"settings": {"clusterLocal": False}, "hosts": sorted(spanning)}] if spanning else []),
            ]
        },
    }


def remote_values(role: Role, root_bundle: Any) -> Values:
    """Return the istiod chart's values in a cluster that a primary serves: no control plane, but its webhook.

    `root_bundle` is the root CA's PEM in base64, by which the API server knows istiod.
    """
    network = f"/net/{role.network}" if role.network else ""
    return {
        "profile": "remote",
        # The primary reads there which trust domain the cluster's pods are in.
        "configMap": True,
        "meshConfig": {"trustDomain": role.trust_domain},
        "istiodRemote": {
            "enabled": True,
            "injectionPath": f"/inject/cluster/{role.cluster}{network}",
            "injectionCABundle": root_bundle,
        },
    }


def outside(cluster: str) -> str:
    """Return the network in which a cluster's gateway is for the gateways of the other clusters, which alone see it."""
    return f"outside-{cluster}"


def gateway_values(role: Role) -> Values:
    """Return the gateway's values in a network of its own, over those of every mesh.

    It sees the pods of its own network alone: what it takes from other clusters never leaves again. What the world asks
    of it may go to the other clusters' gateways, too, but not to itself: it may not be let in at its own address.
    Without an address that is known beforehand, the label of its Service is how istiod finds it.
    """
    seen = [str(role.network), *map(outside, role.beside)]
    return {"env": {"ISTIO_META_REQUESTED_NETWORK_VIEW": ",".join(seen)}, "labels": {NETWORK_LABEL: role.network}}


def istiod_ports(exposure: Exposure) -> list[Values]:
    """Return the ports of a primary's gateway Service at which it hands on its control plane."""
    ports: list[Values] = [
        {"name": "tls-istiod", "port": ISTIOD_PORT, "targetPort": ISTIOD_PORT, "protocol": "TCP"},
        {"name": "tls-webhook", "port": WEBHOOK_PORT, "targetPort": WEBHOOK_PORT, "protocol": "TCP"},
    ]
    if exposure.service == "NodePort":
        ports[0]["nodePort"], ports[1]["nodePort"] = ISTIOD_NODE_PORT, WEBHOOK_NODE_PORT
    return ports


def istiod_gateway() -> Spec:
    """Return the Gateway for the clusters that a control plane serves: TLS passed through to istiod alone."""
    ports = [(ISTIOD_PORT, "tls-istiod"), (WEBHOOK_PORT, "tls-webhook")]
    return {
        "selector": GATEWAY_SELECTOR,
        "servers": [
            {
                "port": {"number": port, "name": name, "protocol": "TLS"},
                "tls": {"mode": "PASSTHROUGH"},
                "hosts": [ISTIOD],
            }
            for port, name in ports
        ],
    }


def world_to_istiod() -> Spec:
    """Return the AuthorizationPolicy that lets anybody reach istiod through the gateway: istiod asks who it is."""
    ports = [str(ISTIOD_PORT), str(WEBHOOK_PORT)]
    return {
        "selector": {"matchLabels": GATEWAY_SELECTOR},
        "action": "ALLOW",
        "rules": [{"to": [{"operation": {"ports": ports}}]}],
    }


def istiod_route(gateway: str) -> Spec:
    """Return the VirtualService that leads from that Gateway (`<namespace>/<name>`) to istiod."""
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
    """Return the spec of the Service that stands for istiod in a cluster that a primary serves; it selects no pods."""
    return {
        "ports": [
            {"name": "tcp-istiod", "port": ISTIOD_PORT, "targetPort": ISTIOD_PORT, "protocol": "TCP"},
            {"name": "tcp-webhook", "port": 443, "targetPort": WEBHOOK_PORT, "protocol": "TCP"},
        ]
    }


def istiod_service_metadata() -> Any:
    """Return that Service's metadata, by which Helm would take it for the release's own, and take it over."""
    return {
        "name": "istiod",
        "namespace": NAMESPACE,
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "istiod", "meta.helm.sh/release-namespace": NAMESPACE},
    }


def istiod_endpoints(exposure: Exposure) -> list[Any]:
    """Return the ports of the EndpointSlice behind that Service: those of the primary's gateway.

    Raises UnusablePrimary where something in front of the node ports would have to lead to istiod's, too.
    """
    if exposure.node_port is not None:
        raise UnusablePrimary(
            f"the primary's gateway is reached at port {exposure.port}, which something leads to node port "
            f"{exposure.node_port}: with control_plane: one a load balancer of Kubernetes, or the node ports "
            "themselves, are wanted, as istiod's ports are not led to"
        )
    tls, webhook = istiod_ports(exposure)
    return [
        {"name": "tcp-istiod", "port": tls.get("nodePort", ISTIOD_PORT), "protocol": "TCP"},
        {"name": "tcp-webhook", "port": webhook.get("nodePort", WEBHOOK_PORT), "protocol": "TCP"},
    ]


def address_type(address: str) -> str:
    """Return an EndpointSlice's addressType. Raises UnusablePrimary for what is no IP address."""
    try:
        return f"IPv{ip_address(address).version}"
    except ValueError:
        raise UnusablePrimary(
            f"the primary's gateway has the address {address}: with control_plane: one an IP address is wanted, "
            "as endpoints of a Service have no names"
        ) from None


def alias(host: str, port: int) -> Spec:
    """Return the ServiceEntry that gives `host` an address, so that it can be asked for; a VirtualService leads on."""
    return {
        "hosts": [host],
        "location": "MESH_INTERNAL",
        "resolution": "STATIC",
        "ports": [{"number": port, "name": PORT_NAME, "protocol": "HTTP"}],
    }


def destination_rule(local: str, shares: Mapping[str, int], *, failover: bool) -> Spec:
    """Return the DestinationRule of a Service's own name: every pod counts the same, or a subset per cluster."""
    policy = {**failure_detection(), "loadBalancer": {"localityLbSetting": {"enabled": False}}}
    rule: Spec = {"host": local, "trafficPolicy": policy}
    if not failover:
        rule["subsets"] = [{"name": cluster, "labels": {CLUSTER_LABEL: cluster}} for cluster in shares]
    return rule
