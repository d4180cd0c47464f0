"""Istio's Helm charts: the source of each, and the values that a mesh needs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from components.clusters.cluster import Exposure, Platform
from components.istio import INGRESS_PORT, PEER_PORT
from components.mesh import primary_remote, single_mesh
from components.mesh.roles import JOINED, Role
from components.mesh.settings import IstioSettings

Values = dict[str, Any]

ROOT = "multimesh/root-ca"
"""The annotation of istiod's pods that has the fingerprint of the root CA of its certificates."""


def chosen(platform: Platform, istio: IstioSettings, sample_image: str | None = None) -> Platform:
    """Return the platform of the cluster kind, with the user's settings merged over it."""
    images = {key: value for key, value in (("hub", istio.hub), ("tag", istio.tag)) if value}
    values = merged(platform.values, {"istiod": {"global": images}} if images else {}, istio.values.model_dump())
    return replace(
        platform,
        charts=istio.charts or platform.charts,
        version=istio.version or platform.version,
        values=values,
        sample_image=sample_image or platform.sample_image,
    )


def source(platform: Platform, chart: str) -> dict[str, Any]:
    """Return the Release arguments that name a chart in a folder, an OCI registry or a Helm repository."""
    if platform.charts.startswith("oci://"):
        return {"chart": f"{platform.charts}/{chart}", "version": platform.version}
    if "://" in platform.charts:
        return {"chart": chart, "version": platform.version, "repositoryOpts": {"repo": platform.charts}}
    return {"chart": f"{platform.charts}/{chart}"}


def istiod_values(role: Role, root_pem: Any, root_fingerprint: Any) -> Values:
    """Return the control plane's values; proxy metadata must be strings: Istio ignores other types.

    istiod reloads a renewed intermediate while it runs, but not a renewed root (it logs "updating new ROOT-CA not
    supported"): a new `root_fingerprint` therefore replaces its pod. Proxies accept identities of the mesh's trust
    domain and of those that `caCertificates` lists, and of no other.
    """
    # With aliases in place of it, policies would mistake a peer's identity for one of this mesh.
    federated = {"caCertificates": [{"pem": root_pem, "trustDomains": list(role.federated)}]} if role.federated else {}
    return {
        "podAnnotations": {ROOT: root_fingerprint},
        "meshConfig": {
            "trustDomain": role.trust_domain,
            **federated,
            "defaultConfig": {
                "proxyMetadata": {
                    # The sidecar resolves global names, to addresses that istiod allocates.
                    "ISTIO_META_DNS_CAPTURE": "true",
                    "ECC_SIGNATURE_ALGORITHM": "ECDSA",
                }
            },
        },
        # A proxy that misses the first probe is probed again soon, not 15 seconds later.
        "global": {"proxy": {"readinessPeriodSeconds": 2}},
    }


def gateway_values(exposure: Exposure, role: Role) -> Values:
    """Return the gateway's values: its Service's type and ports, the cluster kind's additions, what its pods join."""
    node_port = exposure.service == "NodePort"
    peers: Values = {"name": "tls", "port": PEER_PORT, "targetPort": PEER_PORT, "protocol": "TCP"}
    ingress: Values = {"name": "http2", "port": INGRESS_PORT, "targetPort": INGRESS_PORT, "protocol": "TCP"}
    if node_port:
        peers["nodePort"] = exposure.node_port or exposure.port
        ingress["nodePort"] = exposure.ingress_node_port or exposure.ingress_port
    status: Values = {"name": "status-port", "port": 15021, "targetPort": 15021, "protocol": "TCP"}
    ports = [status, ingress, peers, *(primary_remote.istiod_ports(exposure) if role.serves else [])]
    service = {**exposure.service_values, "type": exposure.service, "ports": ports}
    network = single_mesh.gateway_values(role) if role.network else {}
    # istiod hands a gateway its certificate. Without this its service account could read all Secrets beside `cacerts`.
    return {"rbac": {"enabled": False}, "service": service, "podAnnotations": {JOINED: role.joined}, **network}


def merged(*layers: Mapping[str, Any]) -> Values:
    """Return mappings merged in depth, the later over the earlier; lists are replaced whole."""
    result: Values = {}
    for layer in layers:
        for key, value in layer.items():
            old = result.get(key)
            both = isinstance(old, Mapping) and isinstance(value, Mapping)
            result[key] = merged(old, value) if both else value  # pyright: ignore[reportArgumentType]
    return result
