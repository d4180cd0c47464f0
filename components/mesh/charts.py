"""Istio's Helm charts: the source of each, and the values that a mesh needs."""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.clusters.cluster import Exposure, Platform
from components.istio import HTTPS_PORT, INGRESS_PORT, PEER_PORT
from components.mesh import primary_remote, single_mesh
from components.mesh.owned_values import ADDED, GATEWAY_PORTS, HTTPS, ROOT, STATUS_PORT, additional_ports
from components.mesh.roles import JOINED, Role
from components.mesh.settings import IstioSettings

Values = dict[str, Any]

_TOKENS_PLACE = "/var/run/secrets/kubernetes.io/serviceaccount"


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
    """Return the Release arguments that name a chart in a folder, an OCI registry or a Helm repository.

    A chart in a folder has no version that changes with it: the release's description has its digest instead.
    """
    if platform.charts.startswith("oci://"):
        return {"chart": f"{platform.charts}/{chart}", "version": platform.version}
    if "://" in platform.charts:
        return {"chart": chart, "version": platform.version, "repositoryOpts": {"repo": platform.charts}}
    folder = f"{platform.charts}/{chart}"
    return {"chart": folder, **({"description": f"chart {digest}"} if (digest := _digest(folder)) else {})}


@functools.cache
def _digest(folder: str) -> str:
    """Return the first digits of the SHA-256 of a chart's files; "" if there are none."""
    digest, files = hashlib.sha256(), sorted(file for file in Path(folder).rglob("*") if file.is_file())
    for file in files:
        digest.update(f"{file.relative_to(folder)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16] if files else ""


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
        # Plaintext for the pod itself alone; everybody else has TLS at 15012.
        "extraContainerArgs": ["--grpcAddr=127.0.0.1:15010"],
        # Otherwise a Gateway of any namespace with the gateway's labels would open ports and take hosts of it.
        "env": {"PILOT_SCOPE_GATEWAY_TO_NAMESPACE": "true"},
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


def gateway_values(exposure: Exposure, role: Role, *, https: bool = False) -> Values:
    """Return the gateway's values: its Service's type and ports, the cluster kind's additions, what its pods join."""
    node_port = exposure.service == "NodePort"
    status, ingress, peers = (
        {"name": GATEWAY_PORTS[port], "port": port, "targetPort": port, "protocol": "TCP"}
        for port in (STATUS_PORT, INGRESS_PORT, PEER_PORT)
    )
    if node_port:
        peers["nodePort"] = exposure.node_port or exposure.port
        ingress["nodePort"] = exposure.ingress_node_port or exposure.ingress_port
    secure: Values = {"name": HTTPS[HTTPS_PORT], "port": HTTPS_PORT, "targetPort": HTTPS_PORT, "protocol": "TCP"}
    if node_port:
        secure["nodePort"] = exposure.https_node_port or exposure.https_port
    ports = [status, ingress, peers, *(primary_remote.istiod_ports(exposure) if role.serves else [])]
    ports += [secure] if https else []
    service = {**exposure.service_values, "type": exposure.service, "ports": ports}
    network = single_mesh.gateway_values(role) if role.network else {}
    # istiod hands a gateway its own certificate. That of the ingress is in a Secret: istiod hands it only to a gateway
    # whose service account could list Secrets, `cacerts` among them. So the pod has no token of that account.
    return {
        "rbac": {"enabled": https},
        **_without_token(),
        "service": service,
        "podAnnotations": {JOINED: role.joined},
        **network,
    }


def _without_token() -> Values:
    """Return the values with which the gateway's pod has no token for the API server; the chart has no value for it.

    Where something is mounted in the token's place, Kubernetes mounts none. The proxy has a token for istiod alone.
    https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
    """
    name = "no-token"
    return {
        "volumes": [{"name": name, "emptyDir": {"sizeLimit": "1Mi"}}],
        "volumeMounts": [{"name": name, "mountPath": _TOKENS_PLACE, "readOnly": True}],
    }


def complete(chart: str, own: Values, platform: Platform) -> Values:
    """Return a chart's values: the mesh's `own`, with the platform's and the user's over them.

    Ports of the gateway's Service, volumes and arguments are the user's in addition to those of the mesh. The API
    server allocates node ports in the order of the list: one that it chooses itself must not be one that comes after.
    """
    values = merged(own, platform.values.get(chart, {}))
    if chart == "gateway":
        ports = platform.values.get(chart, {}).get("service", {}).get("ports", [])
        ours = own["service"]["ports"]
        together = [*ours, *additional_ports(ports, ours)]
        chosen = own["service"]["type"] == "NodePort"
        values["service"]["ports"] = sorted(together, key=lambda port: chosen and "nodePort" not in port)
    for of, key in ADDED:
        if of == chart and key in own:
            values[key] = [*own[key], *(platform.values.get(chart, {}).get(key) or [])]
    return values


def merged(*layers: Mapping[str, Any]) -> Values:
    """Return mappings merged in depth, the later over the earlier; lists are replaced whole."""
    result: Values = {}
    for layer in layers:
        for key, value in layer.items():
            old = result.get(key)
            both = isinstance(old, Mapping) and isinstance(value, Mapping)
            result[key] = merged(old, value) if both else value  # pyright: ignore[reportArgumentType]
    return result
