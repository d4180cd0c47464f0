"""The network of a GKE cluster, and its nodes' route to the internet."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from components.clusters.gke.scope import Scope
from components.clusters.gke.settings import GkeClusterSettings


@dataclass(frozen=True)
class Network:
    """The network and the subnetwork of the nodes, the pods and the Services."""

    id: pulumi.Output[str]
    subnetwork_id: pulumi.Output[str]
    egress_addresses: Sequence[pulumi.Output[str]] | None
    """The source addresses of the pods' requests, as others see them; None for nodes that are not private."""
    routes: Sequence[pulumi.Resource]
    """The resources that private nodes need to reach the internet."""


def make(scope: Scope, settings: GkeClusterSettings, apis: Sequence[pulumi.Resource]) -> Network:
    """Create the network, with ranges for pods and Services, and Cloud NAT for private nodes."""
    network = gcp.compute.Network(
        f"{scope.mesh}-network", auto_create_subnetworks=False, routing_mode="REGIONAL", opts=scope.options(*apis)
    )
    subnetwork = gcp.compute.Subnetwork(
        f"{scope.mesh}-subnetwork",
        network=network.id,
        region=settings.region,
        ip_cidr_range=settings.node_cidr,
        secondary_ip_ranges=[
            {"range_name": "pods", "ip_cidr_range": settings.pod_cidr},
            {"range_name": "services", "ip_cidr_range": settings.service_cidr},
        ],
        private_ip_google_access=True,
        log_config={"aggregation_interval": "INTERVAL_5_MIN", "flow_sampling": 0.5, "metadata": "INCLUDE_ALL_METADATA"}
        if settings.flow_logs
        else None,
        opts=scope.options(),
    )
    if not settings.private_nodes:
        return Network(network.id, subnetwork.id, None, [])
    egress = address(scope, settings, "egress-address", apis)
    nat = _nat(scope, network, subnetwork, egress)
    return Network(network.id, subnetwork.id, [egress.address], [nat])


def address(
    scope: Scope, settings: GkeClusterSettings, suffix: str, apis: Sequence[pulumi.Resource]
) -> gcp.compute.Address:
    """Reserve an external IP address in the cluster's region."""
    return gcp.compute.Address(
        f"{scope.mesh}-{suffix}",
        address_type="EXTERNAL",
        region=settings.region,
        labels=scope.labels,
        opts=scope.options(*apis),
    )


def _nat(
    scope: Scope, network: gcp.compute.Network, subnetwork: gcp.compute.Subnetwork, egress: gcp.compute.Address
) -> gcp.compute.RouterNat:
    """Create Cloud NAT for the private nodes, with one source address that peers can allow."""
    router = gcp.compute.Router(f"{scope.mesh}-router", network=network.id, opts=scope.options())
    return gcp.compute.RouterNat(
        f"{scope.mesh}-nat",
        router=router.name,
        nat_ip_allocate_option="MANUAL_ONLY",
        nat_ips=[egress.self_link],
        source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
        subnetworks=[{"name": subnetwork.id, "source_ip_ranges_to_nats": ["ALL_IP_RANGES"]}],
        # All requests to a peer go to one address and port; the default of 64 ports per VM is too few for that.
        enable_dynamic_port_allocation=True,
        enable_endpoint_independent_mapping=False,
        min_ports_per_vm=1024,
        max_ports_per_vm=16384,
        log_config={"enable": True, "filter": "ERRORS_ONLY"},
        opts=scope.options(),
    )
