"""Where proxies of a cluster without a control plane of its own find istiod: at the gateway of another cluster."""

import pulumi

from components.clusters.cluster import Exposure
from components.istio import NAMESPACE
from components.mesh import primary_remote
from components.objects import KubernetesObject


def point_to(
    address: pulumi.Output[str], exposure: Exposure, mesh: str, opts: pulumi.ResourceOptions
) -> KubernetesObject:
    """Create the Service istiod of a cluster, with the primary's gateway (IP address and exposure) as its endpoint."""
    service = KubernetesObject(
        f"{mesh}-primary",
        "v1",
        "Service",
        metadata=primary_remote.istiod_service_metadata(),
        spec=primary_remote.istiod_service(),
        # If the cluster gets its own control plane, its Helm release takes over the Service.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True)),
    )
    return KubernetesObject(
        f"{mesh}-primary-endpoints",
        "discovery.k8s.io/v1",
        "EndpointSlice",
        metadata={
            "name": "istiod-primary",
            "namespace": NAMESPACE,
            "labels": {"kubernetes.io/service-name": service.metadata["name"]},
        },
        addressType=address.apply(primary_remote.address_type),
        endpoints=[{"addresses": [address]}],
        ports=primary_remote.istiod_endpoints(exposure),
        opts=opts,
    )
