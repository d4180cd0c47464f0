"""Names in a cluster that the stack would use for its own objects, and that are somebody's already."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.clusters.adopted import release_of
from components.clusters.existing.occupied import Read, is_ours
from components.istio import NAMESPACE, NODE_AGENT
from multimesh.contract import SAMPLE

_SAMPLE = f"/api/v1/namespaces/{SAMPLE.namespace}"
_WORKLOADS = f"/apis/apps/v1/namespaces/{SAMPLE.namespace}/deployments"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_REMOTE = "istio-remote"
_READERS = (f"{_RBAC}/clusterroles", f"{_RBAC}/clusterrolebindings")
_SYSTEM, _NODE_AGENT = NODE_AGENT
_NODE_AGENTS = "/apis/apps/v1/daemonsets?labelSelector=k8s-app%3Distio-cni-node"
_NODE_AGENTS_PARTS = tuple(f"/api/v1/namespaces/{_SYSTEM}/{kind}" for kind in ("serviceaccounts", "configmaps"))
_NODE_AGENTS_NAMES = {"istio-cni", "istio-cni-config", "istio-cni-repair-role", "istio-cni-repair-rolebinding"}
"""What the chart of the node agent creates besides its DaemonSet."""


def faults(read: Read, *, sample: bool, read_by_others: bool, cni: bool = False) -> Iterator[str]:
    """Yield a line for each object that `up` would create and that is there, but is not multimesh's.

    `sample` says whether the stack runs the sample service, `read_by_others` whether control planes of other clusters
    read this one, and `cni` whether the stack installs Istio's CNI node agent.
    """
    if cni:
        yield from _node_agents(read)
    if sample and (found := read(_SAMPLE)) and not any(map(is_ours, [*found, *read(_WORKLOADS)])):
        yield (
            f"the namespace {SAMPLE.namespace} is there already, and is not multimesh's: the sample service would be "
            f"created in it, and `pulumi destroy` would delete it. Set sample: false, or delete the namespace"
        )
    # One of a version that did not label it comes with an istio-system that is multimesh's.
    if read_by_others and not any(map(is_ours, read(f"/api/v1/namespaces/{NAMESPACE}"))):
        for path in _READERS:
            if any(_is_somebodys(found) for found in read(path)):
                yield (
                    f"{path.rpartition('/')[2]}/{_REMOTE} is there already, and is not multimesh's: in a single mesh "
                    "the other clusters' control planes read this cluster with a role of this name. Rename or delete it"
                )


def _node_agents(read: Read) -> Iterator[str]:
    others = [found["metadata"] for found in read(_NODE_AGENTS) if not is_ours(found)]
    if others:
        names = ", ".join(sorted(f"{found['namespace']}/{found['name']}" for found in others))
        yield (
            f"Istio's CNI node agent runs in the cluster already (DaemonSet {names}), and a node can have one: "
            "uninstall it, or use it: remove istio.cni of the mesh, and set istio.values.istiod.pilot.cni.enabled: true"
        )
        return
    left = [
        f"{path.rpartition('/')[2]}/{found['metadata']['name']}"
        for path in (*_READERS, *_NODE_AGENTS_PARTS)
        for found in read(path)
        if found["metadata"]["name"] in _NODE_AGENTS_NAMES and release_of(found) != (_SYSTEM, _NODE_AGENT)
    ]
    if left:
        yield (
            f"parts of another installation of Istio's CNI node agent are in the cluster: {', '.join(left)}. Helm "
            "takes over only what belongs to its own releases: delete them"
        )


def _is_somebodys(found: Mapping[str, Any]) -> bool:
    return found["metadata"]["name"] == _REMOTE and not is_ours(found)
