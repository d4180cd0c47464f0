"""What uses each control plane of a cluster: pods that it injected, and namespaces whose next pods it would inject."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.clusters.connection import connected
from components.clusters.kubeconfig import KubeconfigError
from components.federation.inventory import UnreadableClusterError, items
from components.federation.proxies import UnreadableProxiesError, workload
from components.istio import MANAGED
from components.mesh.roles import JOINED
from multimesh.injection import INJECTION, REVISION, revision


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
        name, labels = namespace["metadata"]["name"], namespace["metadata"].get("labels") or {}
        if {INJECTION, REVISION} & labels.keys():
            choosing.add(name)
        # Those of multimesh's own follow by themselves.
        leaves = MANAGED.items() <= labels.items() or namespace["metadata"].get("deletionTimestamp")
        if not leaves and (asked := revision(labels)):
            selecting.setdefault(asked, set()).add(name)
    for pod in pods:
        annotations = pod["metadata"].get("annotations") or {}
        injected = annotations.get(REVISION)
        if injected is None or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            continue
        if JOINED in annotations:
            own.add(injected)
        else:
            name = workload(pod["metadata"])
            workloads.setdefault(injected, set()).add(name)
            if pod["metadata"]["namespace"] not in choosing:  # a namespace's labels are before those of its pods
                labelled.add(name)
    return {
        name: Users(
            sorted(selecting.get(name, ())),
            sorted(workloads.get(name, ())),
            sorted(workloads.get(name, set()) & labelled),
            own=name in own,
        )
        for name in {*selecting, *workloads, *own}
    }
