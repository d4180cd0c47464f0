"""One mesh over several clusters: its Helm values and Istio objects, as plain data.

Pure functions. Source: https://istio.io/latest/docs/setup/install/multicluster/ (on one network and on
different ones).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from components.clusters.adopted import ADOPTED
from components.clusters.cluster import Exposure
from components.istio import MANAGED, NAMESPACE
from components.mesh.roles import Role
from components.objects import POD_SECURITY

Values = dict[str, Any]

CLUSTER_LABEL = "topology.istio.io/cluster"
NETWORK_LABEL = "topology.istio.io/network"
CONTROL_PLANE_ANNOTATION = "topology.istio.io/controlPlaneClusters"


def namespace_metadata(role: Role, *, adopted: bool = False) -> Any:
    """Return the metadata of istio-system: that it is multimesh's, its network, the cluster that controls it.

    Somebody may have had one that is `adopted`.
    """
    labels = {**MANAGED, POD_SECURITY: "baseline", **({NETWORK_LABEL: role.network} if role.network else {})}
    annotations = {CONTROL_PLANE_ANNOTATION: role.primary} if role.primary else {}
    annotations |= {ADOPTED: "true"} if adopted else {}
    return {"name": NAMESPACE, "labels": labels, **({"annotations": annotations} if annotations else {})}


def networks(exposures: Mapping[str, Exposure]) -> Values:
    """Return Istio's MeshNetworks: by network, the gateways whose address is known before the control plane starts.

    istiod finds the others itself: they are load balancers, and a label of their Service names the network.
    """
    return {
        network: {"endpoints": [], "gateways": [{"address": exposure.address, "port": exposure.port}]}
        for network, exposure in exposures.items()
        if exposure.address is not None
    }


def istiod_values(role: Role, networks: Values, spanning: Sequence[str]) -> Values:
    """Return the values that a cluster's own control plane needs in addition to those of every mesh.

    `spanning` are the hosts of the Services that span clusters; every other Service stays local to its cluster.
    """
    placed = {"network": role.network, "meshNetworks": networks} if role.network else {}
    serving = {"externalIstiod": True} if role.serves else {}
    return {
        "global": {
            "meshID": role.trust_domain,
            "multiCluster": {"clusterName": role.cluster},
            **placed,
            **serving,
        },
        "meshConfig": {
            "serviceSettings": [
                {"settings": {"clusterLocal": True}, "hosts": ["*.svc.cluster.local"]},
                *([{"settings": {"clusterLocal": False}, "hosts": sorted(spanning)}] if spanning else []),
            ]
        },
    }


def outside(cluster: str) -> str:
    """Return the network of a cluster's gateway as the gateways of the other clusters see it; nobody else sees it."""
    return f"outside-{cluster}"


def gateway_values(role: Role) -> Values:
    """Return the values that a gateway in a network of its own needs in addition to those of every mesh.

    It sees only the pods of its own network, so requests from other clusters never leave the cluster again. It can also
    forward requests from outside to the gateways of the other clusters. It does not forward to itself: it may not be
    admitted at its own address. If a gateway's address is not known beforehand, istiod finds the gateway by its
    Service's label.
    """
    seen = [str(role.network), *map(outside, role.beside)]
    return {"env": {"ISTIO_META_REQUESTED_NETWORK_VIEW": ",".join(seen)}, "labels": {NETWORK_LABEL: role.network}}
