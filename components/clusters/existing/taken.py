"""Names in a cluster that the stack would use for its own objects, and that are somebody's already."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.clusters.existing.occupied import Read, is_ours
from components.istio import NAMESPACE
from multimesh.contract import SAMPLE

_SAMPLE = f"/api/v1/namespaces/{SAMPLE.namespace}"
_WORKLOADS = f"/apis/apps/v1/namespaces/{SAMPLE.namespace}/deployments"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_REMOTE = "istio-remote"
_READERS = (f"{_RBAC}/clusterroles", f"{_RBAC}/clusterrolebindings")


def faults(read: Read, *, sample: bool, read_by_others: bool) -> Iterator[str]:
    """Yield a line for each object that `up` would create and that is there, but is not multimesh's.

    `sample` says whether the stack runs the sample service, `read_by_others` whether control planes of other clusters
    read this one.
    """
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


def _is_somebodys(found: Mapping[str, Any]) -> bool:
    return found["metadata"]["name"] == _REMOTE and not is_ours(found)
