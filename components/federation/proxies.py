"""The trust domains that the proxies in a cluster were started with, as their pods say."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from components.clusters.connection import connected
from components.clusters.kubeconfig import KubeconfigError
from components.federation.inventory import UnreadableClusterError, items
from components.mesh.roles import JOINED
from multimesh.injection import PROXY

_TRUST_DOMAIN = "TRUST_DOMAIN"


class UnreadableProxiesError(Exception):
    """A cluster does not tell which proxies it has; the message says why."""


def proxies(kubeconfig: str) -> dict[str, list[str]]:
    """Return the workloads that have each trust domain: `<namespace>/<kind>/<name>`, by trust domain.

    Those that multimesh creates are left out: an update restarts them. Raise UnreadableProxiesError.
    """
    from urllib3.exceptions import HTTPError

    try:
        with connected(kubeconfig) as api:
            return by_trust_domain(items(api, "/api/v1/pods"))
    except (KubeconfigError, UnreadableClusterError, HTTPError, OSError) as error:
        raise UnreadableProxiesError(str(error)) from error


def by_trust_domain(pods: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the workloads of pods (as the API server has them) by the trust domain of their proxies."""
    found = dict[str, set[str]]()
    for pod in pods:
        ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        if not ended and JOINED not in (pod["metadata"].get("annotations") or {}):
            for domain in _trust_domains(pod["spec"]):
                found.setdefault(domain, set()).add(workload(pod["metadata"]))
    return {domain: sorted(workloads) for domain, workloads in found.items()}


def _trust_domains(spec: Mapping[str, Any]) -> Iterator[str]:
    for container in [*spec.get("containers", ()), *(spec.get("initContainers") or ())]:
        if container["name"] == PROXY:
            yield from (one.get("value", "") for one in container.get("env") or () if one["name"] == _TRUST_DOMAIN)


def workload(metadata: Mapping[str, Any]) -> str:
    """Return the workload that a pod is of, as kubectl takes it."""
    for owner in metadata.get("ownerReferences") or ():
        kind, name = owner["kind"], owner["name"]
        if kind == "ReplicaSet" and (digest := (metadata.get("labels") or {}).get("pod-template-hash")):
            kind, name = "Deployment", name.removesuffix(f"-{digest}")
        return f"{metadata['namespace']}/{kind.lower()}/{name}"
    return f"{metadata['namespace']}/pod/{metadata['name']}"
