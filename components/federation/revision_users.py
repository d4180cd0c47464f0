"""What uses each control plane of a cluster: pods that it injected, and namespaces whose next pods it would inject."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.clusters.connection import connected
from components.clusters.kubeconfig import KubeconfigError
from components.federation.inventory import UnreadableClusterError, items
from components.federation.proxies import UnreadableProxiesError, workload
from components.istio import DEFAULT_REVISION, MANAGED
from components.mesh.roles import JOINED

_REVISION = "istio.io/rev"
"""The annotation of an injected pod, and the label of a namespace, that names a control plane.

https://istio.io/latest/docs/setup/upgrade/canary/
"""
_INJECTION = "istio-injection"


@dataclass(frozen=True)
class Users:
    """What uses one control plane: namespaces, and workloads as `<namespace>/<kind>/<name>`."""

    namespaces: list[str] = field(default_factory=list)
    workloads: list[str] = field(default_factory=list)
    labelled: list[str] = field(default_factory=list)
    """Those of the workloads that choose it by their pods' own labels."""
    own: bool = False
    """Whether multimesh's own workloads do, which follow the configured revision by themselves."""

    @property
    def is_none(self) -> bool:
        """Whether nothing uses it."""
        return not (self.own or self.namespaces or self.workloads)


def read(kubeconfig: str) -> dict[str, Users]:
    """Return what uses each control plane in a cluster, by revision. Raise UnreadableProxiesError."""
    from urllib3.exceptions import HTTPError

    try:
        with connected(kubeconfig) as api:
            return by_revision(items(api, "/api/v1/namespaces"), items(api, "/api/v1/pods"))
    except (KubeconfigError, UnreadableClusterError, HTTPError, OSError) as error:
        raise UnreadableProxiesError(str(error)) from error


def by_revision(namespaces: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]]) -> dict[str, Users]:
    """Return what uses each control plane, by revision, among objects as the API server has them."""
    selecting, workloads, own = dict[str, set[str]](), dict[str, set[str]](), set[str]()
    labelled, choosing = set[str](), set[str]()
    for namespace in namespaces:
        if {_INJECTION, _REVISION} & (namespace["metadata"].get("labels") or {}).keys():
            choosing.add(namespace["metadata"]["name"])
        for revision in _selected(namespace["metadata"]):
            selecting.setdefault(revision, set()).add(namespace["metadata"]["name"])
    for pod in pods:
        annotations = pod["metadata"].get("annotations") or {}
        revision = annotations.get(_REVISION)
        if revision is None or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            continue
        if JOINED in annotations:
            own.add(revision)
        else:
            name = workload(pod["metadata"])
            workloads.setdefault(revision, set()).add(name)
            if pod["metadata"]["namespace"] not in choosing:  # a namespace's labels are before those of its pods
                labelled.add(name)
    return {
        revision: Users(
            sorted(selecting.get(revision, ())),
            sorted(workloads.get(revision, ())),
            sorted(workloads.get(revision, set()) & labelled),
            own=revision in own,
        )
        for revision in {*selecting, *workloads, *own}
    }


def _selected(metadata: Mapping[str, Any]) -> Iterator[str]:
    """Yield the revision that a namespace selects; those of multimesh's own follow by themselves."""
    labels = metadata.get("labels") or {}
    if MANAGED.items() <= labels.items() or metadata.get("deletionTimestamp"):
        return
    if _INJECTION in labels:  # before the other label, as in the webhooks' selectors
        if labels[_INJECTION] == "enabled":
            yield DEFAULT_REVISION
    elif _REVISION in labels:
        yield labels[_REVISION]
