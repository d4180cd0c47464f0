"""Checks of istiod in every mesh: it runs, injects sidecars, and has the configuration that federation needs."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from multimesh.check.cluster import Cluster, Object, labels_of
from multimesh.check.federation import Federation
from multimesh.check.result import Check, Problem, Severity


def _up(cluster: Cluster) -> str:
    """Return who makes a control plane as it was."""
    if cluster.plane.installed:
        return "`pulumi up --refresh` makes it as it was"
    return "whoever runs this control plane sets it: see docs/existing.md"


def own(federation: Federation) -> Iterable[tuple[str, Cluster]]:
    """Yield the meshes whose control plane is in their own cluster."""
    for mesh, cluster in federation.clusters.items():
        if not cluster.is_served:
            yield mesh, cluster


def istiods(cluster: Cluster) -> list[Object]:
    """Return the Deployments of istiod: of any revision, or of the one that is joined."""
    return cluster.selected("Deployment", cluster.plane.namespace, cluster.istiod_labels)


def unavailable(deployment: Object) -> str:
    """Return how many pods a Deployment lacks; empty if it has what it needs."""
    wanted = deployment["spec"].get("replicas", 1)
    there = (deployment.get("status") or {}).get("availableReplicas", 0)
    if wanted and there:
        return ""
    return f"{there} of {wanted} pods are available" if wanted else "it is scaled to 0"


def mesh_config(cluster: Cluster) -> Mapping[str, Any]:
    """Return Istio's MeshConfig of the control plane; empty if there is none."""
    found = cluster.one("ConfigMap", f"istio{cluster.plane.suffix}", cluster.plane.namespace) or {}
    try:
        document = yaml.safe_load((found.get("data") or {}).get("mesh", ""))
    except yaml.YAMLError:
        return {}
    return document if isinstance(document, dict) else {}


def _ready(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in own(federation):
        deployments = istiods(cluster)
        if not deployments:
            yield Problem(mesh, "there is no Deployment of istiod", _up(cluster))
        for deployment in deployments:
            if lack := unavailable(deployment):
                remedy = f"kubectl -n {cluster.plane.namespace} describe deployment {deployment['metadata']['name']}"
                yield Problem(mesh, f"istiod: {lack}", remedy)


def _versions(federation: Federation) -> Iterable[Problem]:
    seen: dict[str, str] = {}
    for mesh, cluster in own(federation):
        for deployment in istiods(cluster):
            image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
            tag = image.rpartition("@")[0] or image
            if ":" in tag.rpartition("/")[2]:
                seen[f"{mesh}: {tag.rpartition(':')[2]}"] = ".".join(tag.rpartition(":")[2].split(".")[:2])
    if len(set(seen.values())) > 1:
        yield Problem(
            "istiod", f"its versions differ: {', '.join(sorted(seen))}", "update the older mesh soon", Severity.WARNING
        )


def _webhook(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in federation.clusters.items():
        hooks = cluster.all("MutatingWebhookConfiguration")
        found = [one for one in hooks if labels_of(one).get("app") == "sidecar-injector"]
        if not found:
            yield Problem(mesh, "there is no webhook that injects sidecars: new pods will have none", _up(cluster))
        for one in found:
            if any(not hook["clientConfig"].get("caBundle") for hook in one.get("webhooks") or []):
                name = one["metadata"]["name"]
                yield Problem(mesh, f"webhook {name} has no caBundle", "restart istiod, which writes it")


def _dns(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in own(federation):
        metadata = (mesh_config(cluster).get("defaultConfig") or {}).get("proxyMetadata") or {}
        if str(metadata.get("ISTIO_META_DNS_CAPTURE")).lower() != "true":
            cause = "MeshConfig has no proxyMetadata ISTIO_META_DNS_CAPTURE: sidecars do not resolve global names"
            yield Problem(mesh, cause, _up(cluster))


def _trust_domain(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in own(federation):
        about, config = federation.outputs.meshes[mesh], mesh_config(cluster)
        wanted, found = about.trust_domain, config.get("trustDomain")
        if found != wanted:
            yield Problem(mesh, f"MeshConfig has trustDomain {found}, the stack {wanted}", _up(cluster))
        aliases, has = sorted(about.trust_domain_aliases), sorted(config.get("trustDomainAliases") or [])
        if has != aliases and cluster.plane.installed:
            lists = [", ".join(each) or "none" for each in (has, aliases)]
            yield Problem(mesh, f"MeshConfig has trustDomainAliases {lists[0]}, the stack {lists[1]}", _up(cluster))


CHECKS = [
    Check("istiod-ready", "Control planes", "istiod is available", _ready),
    Check("istiod-versions", "Control planes", "istiod has one version everywhere", _versions),
    Check("injection-webhook", "Control planes", "sidecars are injected", _webhook),
    Check("dns-capture", "Control planes", "sidecars resolve global names", _dns),
    Check("trust-domain", "Control planes", "each mesh has the trust domain of the stack", _trust_domain),
]
