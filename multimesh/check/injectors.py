"""Checks of who injects sidecars: the control plane that a namespace chooses, and that of the pods, are there."""

from collections.abc import Iterable, Mapping
from typing import Any

from multimesh.check.cluster import Cluster, labels_of
from multimesh.check.control_planes import own
from multimesh.check.federation import Federation
from multimesh.check.result import Check, Problem
from multimesh.injection import DEFAULT_REVISION, REVISION, chosen

_FEW = 3


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Return whether a Kubernetes label selector selects an object with these labels.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements
    """
    return (selector.get("matchLabels") or {}).items() <= labels.items() and all(
        _meets(one, labels) for one in selector.get("matchExpressions") or []
    )


def _meets(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = requirement["key"], requirement.get("values") or []
    match requirement["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


def _namespaces(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in federation.clusters.items():
        injectors = [
            hook.get("namespaceSelector") or {}
            for one in cluster.all("MutatingWebhookConfiguration")
            if labels_of(one).get("app") == "sidecar-injector"
            for hook in one.get("webhooks") or []
        ]
        for namespace in cluster.all("Namespace"):
            name, labels = namespace["metadata"]["name"], labels_of(namespace)
            label = chosen(labels)
            if label and injectors and not any(selects(one, labels) for one in injectors):
                cause = (
                    f"namespace {name} has the label {'='.join(label)}, and no control plane injects sidecars for it"
                )
                yield Problem(mesh, cause, f"{cluster.plane.command(name)}, then restart its pods")


def _pods(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in own(federation):
        if cluster.plane.installed:
            there = _revisions(cluster)
            for namespace, revision, names in _proxies(cluster):
                if there and revision not in there:
                    some = f"{', '.join(names[:_FEW])}{', ...' if names[_FEW:] else ''}"
                    cause = f"the proxies of {some} in {namespace} are of control plane {revision}, which is not there"
                    yield Problem(mesh, cause, f"{cluster.plane.command(namespace)}, then restart them")


def _revisions(cluster: Cluster) -> set[str]:
    """Return the revisions of the control planes that are there."""
    found = cluster.selected("Deployment", cluster.plane.namespace, {"app": "istiod"})
    return {labels_of(one).get(REVISION, DEFAULT_REVISION) for one in found}


def _proxies(cluster: Cluster) -> Iterable[tuple[str, str, list[str]]]:
    """Yield, by namespace and revision, the pods whose proxies were injected by a control plane of that revision."""
    found = dict[tuple[str, str], list[str]]()
    for pod in cluster.all("Pod"):
        about = pod["metadata"]
        revision = (about.get("annotations") or {}).get(REVISION)
        ends = "deletionTimestamp" in about or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        if revision and not ends:
            found.setdefault((about["namespace"], revision), []).append(about["name"])
    return [(namespace, revision, sorted(names)) for (namespace, revision), names in sorted(found.items())]


CHECKS = [
    Check("injected-namespaces", "Control planes", "each namespace's control plane is there", _namespaces),
    Check("proxies-control-plane", "Control planes", "each proxy's control plane is there", _pods),
]
