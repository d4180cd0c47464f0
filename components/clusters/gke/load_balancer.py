"""The gateway's address in a GKE cluster: reserved before GKE creates its load balancer."""

from collections.abc import Sequence

import pulumi

from components.clusters.cluster import Exposure
from components.clusters.gke.network import address
from components.clusters.gke.scope import Scope
from components.clusters.gke.settings import GkeClusterSettings


def make(scope: Scope, settings: GkeClusterSettings, apis: Sequence[pulumi.Resource]) -> Exposure:
    """Reserve the gateway's address, and return how the gateway's Service uses it."""
    reserved = address(scope, settings, "gateway-address", apis)
    # Every version of GKE reads a reserved address from `loadBalancerIP`, only newer ones from an annotation,
    # https://cloud.google.com/kubernetes-engine/docs/concepts/service-load-balancer-parameters
    return Exposure("LoadBalancer", reserved.address, service_values={"loadBalancerIP": reserved.address})
