"""Which mesh answers first: the split of a service's requests, and the endpoints' labels that it reads.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting
"""

from collections.abc import Mapping

from components.federation.exported_service import ExportedService
from components.mesh.roles import Role
from components.mesh.single_mesh import CLUSTER_LABEL
from components.routing import Split

_MESH_LABEL = "mesh"


def split(service: ExportedService, role: Role, shares: Mapping[str, int]) -> Split:
    """Return how callers in a mesh divide requests among the endpoints of a global name."""
    if service.split == "weighted":
        return Split(shares, subsets=True)
    if service.prefer == "weights":
        return Split(shares)
    if service.prefer == "local":
        return Split(shares, priority=[f"{_MESH_LABEL}={role.cluster}"])
    return Split(shares, priority=[f"{_rank(number)}=yes" for number in range(len(service.prefer))])


def own_name_split(service: ExportedService, shares: Mapping[str, int]) -> Split:
    """Return how callers divide requests among the endpoints that a Service has in the clusters of a single mesh."""
    if service.split == "weighted":
        return Split(shares, subsets=True)
    if service.prefer == "weights":
        return Split()
    first = "" if service.prefer == "local" else f"={service.prefer[0]}"
    return Split(priority=[f"{CLUSTER_LABEL}{first}"])


def labels(service: ExportedService, mesh: str) -> dict[str, str]:
    """Return the labels of a mesh's endpoint: with an order, one for each place that it may take.

    Istio prefers the endpoints that match most of `failoverPriority` from its start: the first mesh of the order
    matches all, each other mesh one less than the one before it.
    """
    if isinstance(service.prefer, str) or mesh not in service.prefer:
        return {}
    places = len(service.prefer) - list(service.prefer).index(mesh)
    return {_rank(number): "yes" for number in range(places)}


def _rank(number: int) -> str:
    return f"preferred-{number}"
