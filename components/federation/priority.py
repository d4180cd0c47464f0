"""Which mesh answers first."""

from collections.abc import Mapping, Sequence

from components.federation.exported_service import ExportedService
from components.mesh.single_mesh import CLUSTER_LABEL
from components.routing import Split


def tiers(service: ExportedService, caller: str, exporters: Sequence[str]) -> list[list[str]]:
    """Return the meshes that export a service, those of the first list before those of the next, as a mesh calls it.

    All are in one list if requests are divided by weight, or if none of the preferred ones exports the service.
    """
    if service.prefer == "weights":
        return [list(exporters)]
    order = [caller] if service.prefer == "local" else service.prefer
    first = [[mesh] for mesh in order if mesh in exporters]
    rest = [mesh for mesh in exporters if mesh not in order]
    return [*first, rest] if rest else first


def split(service: ExportedService, shares: Mapping[str, int]) -> Split:
    """Return how callers divide requests among the endpoints of a global name, of those that are asked first."""
    return Split(shares, subsets=service.split == "weighted")


def own_name_split(service: ExportedService, shares: Mapping[str, int]) -> Split:
    """Return how callers divide requests among the endpoints that a Service has in the clusters of a single mesh.

    https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting
    """
    if service.split == "weighted":
        return Split(shares, subsets=True)
    if service.prefer == "weights":
        return Split()
    first = "" if service.prefer == "local" else f"={service.prefer[0]}"
    return Split(priority=[f"{CLUSTER_LABEL}{first}"])
