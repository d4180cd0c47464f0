"""Istio's Helm charts: the source of each, and the values that a mesh needs."""

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi

from components.clusters.cluster import Exposure, Platform
from components.istio import HTTPS_PORT, INGRESS_PORT, PEER_PORT
from components.mesh import ingress, node_agent, pinned_images, primary_remote, single_mesh
from components.mesh.owned_values import (
    ADDED,
    GATEWAY_PORTS,
    HTTPS,
    LEARNS_ROOTS,
    LISTS,
    MULTIPLE_ROOTS,
    ROOT,
    STATUS_PORT,
    TRUST_DOMAINS,
    additional_ports,
)
from components.mesh.roles import JOINED, Role
from components.mesh.settings import IstioSettings
from multimesh.hosts import CLUSTER_DOMAIN

Values = dict[str, Any]

_NOTHING = "no-token"
_TOKENS_PLACE = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where something is mounted in the token's place, Kubernetes mounts none: a pod has no token for the API server then.

The chart has no value for it. The proxy has a token for istiod alone.
https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
"""
_LISTS = "istio-ca-crl"
_LISTS_PLACE = "/var/run/secrets/istio/crl"
"""Where a proxy looks for revocation lists, which istiod writes to the ConfigMap of each namespace."""


def chosen(platform: Platform, istio: IstioSettings, sample_image: str | None = None) -> Platform:
    """Return the platform of the cluster kind, with the user's settings merged over it."""
    images = {key: value for key, value in (("hub", istio.hub), ("tag", istio.tag)) if value}
    ours = {chart: {"global": images} for chart in ("istiod", node_agent.CHART)} if images else {}
    values = merged(platform.values, pinned_images.values(platform, istio), ours, istio.values.model_dump())
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
    return {"chart": folder, **({"description": text} if (text := described(folder)) else {})}


def described(folder: str) -> str | None:
    """Return the description of a release of the chart in a folder; None if there is no chart."""
    return f"chart {digest}" if (digest := _digest(folder)) else None


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
    supported"): a new `root_fingerprint` therefore replaces its pod. So does a change of the trust domains' aliases: a
    CA that istiod has not loaded yet may not sign for a new one. Proxies accept identities of the mesh's trust domains
    and of those that `caCertificates` lists, and of no other.
    """
    # With aliases for peers in place of it, policies would mistake a peer's identity for one of this mesh.
    federated = {"caCertificates": [{"pem": root_pem, "trustDomains": list(role.federated)}]} if role.federated else {}
    domain = role.plane.cluster_domain
    named = {} if domain == CLUSTER_DOMAIN else {"clusterDomain": domain}
    several = {TRUST_DOMAINS: ",".join(role.trust_domains)} if role.aliases else {}
    return {
        "podAnnotations": {ROOT: root_fingerprint, **several},
        # Plaintext for the pod itself alone; everybody else has TLS at 15012.
        "extraContainerArgs": ["--grpcAddr=127.0.0.1:15010"],
        "env": {
            # Otherwise a Gateway of any namespace with the gateway's labels would open ports and take hosts of it.
            "PILOT_SCOPE_GATEWAY_TO_NAMESPACE": "true",
            # With it, and LEARNS_ROOTS, a proxy learns of another root, and gets another certificate, while it runs.
            MULTIPLE_ROOTS: "true",
        },
        "meshConfig": {
            **role.mesh_config,
            **federated,
            "defaultConfig": {
                "proxyMetadata": {
                    # The sidecar resolves global names, to addresses that istiod allocates.
                    "ISTIO_META_DNS_CAPTURE": "true",
                    LEARNS_ROOTS: "true",
                    "ECC_SIGNATURE_ALGORITHM": "ECDSA",
                }
            },
        },
        # A proxy that misses the first probe is probed again soon, not 15 seconds later.
        "global": {"proxy": {"readinessPeriodSeconds": 2, **named}},
    }


def latency_values(hosts: Sequence[str]) -> Values:
    """Return the control plane's values with which proxies keep the latencies of these hosts; `*` is any part of one.

    Istio's proxies keep no latencies of what they call. For each host a proxy makes one histogram, at its first answer.
    https://istio.io/latest/docs/ops/configuration/telemetry/envoy-stats/
    """
    named = "|".join(re.escape(host).replace(r"\*", ".*") for host in hosts)
    kept = rf"cluster\.outbound\|.*\|({named});?\.upstream_rq_time"
    return {"meshConfig": {"defaultConfig": {"proxyStatsMatcher": {"inclusionRegexps": [kept]}}}} if hosts else {}


def gateway_values(
    exposure: Exposure,
    role: Role,
    *,
    certificate: str | None = None,
    checks_revocation: bool = False,
    sees_clients: bool = False,
) -> Values:
    """Return the gateway's values: its Service's type and ports, the cluster kind's additions, what its pods join.

    `certificate` is the Secret with the certificate of the ingress; None without HTTPS. With `sees_clients`, nodes
    forward to pods of their own alone, and keep the addresses of clients. A load balancer may ask for the status.
    https://kubernetes.io/docs/tutorials/services/source-ip/
    """
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
    ports = [
        *([] if node_port else [status]),
        ingress,
        peers,
        *(primary_remote.istiod_ports(exposure) if role.serves else []),
    ]
    ports += [secure] if certificate else []
    service = {**exposure.service_values, "type": exposure.service, "ports": ports}
    if sees_clients:
        service["externalTrafficPolicy"] = "Local"
    network = single_mesh.gateway_values(role) if role.network else {}
    # istiod would hand the certificate of the ingress to a gateway whose service account may list Secrets, `cacerts`
    # among them. So the pod has it as files, and the account may do nothing.
    return {
        "rbac": {"enabled": False},
        **_mounted(certificate, checks_revocation=checks_revocation),
        "service": service,
        "podAnnotations": {JOINED: role.joined},
        **network,
    }


def another_pod_for(revocation_lists: pulumi.Output[str]) -> Values:
    """Return istiod's values that replace its pod when the lists change: a new pod hands them out at once."""
    digest = revocation_lists.apply(lambda text: hashlib.sha256(text.encode()).hexdigest())
    return {"podAnnotations": {LISTS: digest}}


def _mounted(certificate: str | None, *, checks_revocation: bool) -> Values:
    """Return the values of the pod's volumes: no token for the API server, the ingress's certificate, revoked CAs.

    The chart has no value for the token. Where something is mounted in its place, Kubernetes mounts none; the proxy has
    a token for istiod alone. A Secret that is missing may come later.
    https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
    """
    mounted: dict[str, tuple[str, Values]] = {_NOTHING: (_TOKENS_PLACE, {"emptyDir": {"sizeLimit": "1Mi"}})}
    if certificate:
        secret = {"secretName": certificate, "optional": True}
        mounted["ingress"] = (ingress.CERTIFICATE_PLACE, {"secret": secret})
    if checks_revocation:  # as every sidecar has them
        mounted[_LISTS] = (_LISTS_PLACE, {"configMap": {"name": _LISTS, "optional": True}})
    return {
        "volumes": [{"name": name, **source} for name, (_, source) in mounted.items()],
        "volumeMounts": [{"name": name, "mountPath": place, "readOnly": True} for name, (place, _) in mounted.items()],
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
