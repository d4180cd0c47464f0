"""From where a primary's gateway takes proxies and webhooks of the clusters that its control plane serves."""

from collections.abc import Mapping, Sequence

import pulumi

from components.clusters.cluster import Cluster
from components.mesh.topology import Topology

Networks = Sequence[pulumi.Input[str]]


def networks(topology: Topology, clusters: Mapping[str, Cluster]) -> Networks | None:
    """Return the only CIDRs that may reach istiod through the primary's gateway; None to restrict nothing there.

    They are what the user lists. Otherwise they are the addresses of the served clusters, if the gateway sees them:
    many load balancers show their own, and then nobody would be served.
    """
    if topology.kind != "single-mesh" or topology.control_plane != "one" or topology.primary is None:
        return None
    if topology.served_from is not None:
        return list(topology.served_from)
    if not clusters[topology.primary].shows_clients:
        return None
    addresses = list[pulumi.Output[str]]()
    for name, cluster in clusters.items():
        if name != topology.primary:
            if (seen := cluster.seen_from_beside) is None:
                return None
            addresses += seen
    return [pulumi.Output.format("{}/32", address) for address in addresses]
