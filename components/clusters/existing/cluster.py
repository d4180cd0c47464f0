"""An existing cluster, which the stack neither creates nor deletes."""

import pulumi

from components.clusters.cluster import (
    HTTPS_NODE_PORT,
    INGRESS_NODE_PORT,
    PEER_NODE_PORT,
    Cluster,
    ClusterArgs,
    Exposure,
    Platform,
)
from components.clusters.existing.settings import ExistingClusterSettings, GatewaySettings, NodeFolders
from components.istio import HTTPS_PORT, INGRESS_PORT, PEER_PORT


def exposure(gateway: GatewaySettings) -> Exposure:
    """Return how peers and clients reach the gateway; the default ports depend on the Service's type."""
    peers, ingress, https = (
        (PEER_NODE_PORT, INGRESS_NODE_PORT, HTTPS_NODE_PORT)
        if gateway.service == "NodePort"
        else (PEER_PORT, INGRESS_PORT, HTTPS_PORT)
    )
    return Exposure(
        gateway.service,
        gateway.address,
        port=gateway.port or gateway.node_port or peers,
        ingress_port=gateway.ingress_port or gateway.ingress_node_port or ingress,
        node_port=gateway.node_port,
        ingress_node_port=gateway.ingress_node_port,
        https_port=gateway.https_port or gateway.https_node_port or https,
        https_node_port=gateway.https_node_port,
    )


def platform(folders: NodeFolders) -> Platform:
    """Return Istio's own charts and images, and where the nodes have the pod network."""
    return Platform(values={"cni": {"cniBinDir": folders.bin_dir, "cniConfDir": folders.conf_dir}})


class ExistingCluster(Cluster):
    """The provider for the cluster that a kubeconfig points to."""

    def __init__(
        self, name: str, args: ClusterArgs[ExistingClusterSettings], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        settings = args["settings"]
        super().__init__("multimesh:index:ExistingCluster", name, None, opts)
        self.kubeconfig = pulumi.Output.secret(settings.kubeconfig.text)
        self.provider = self.kubernetes_provider(name, settings.kubeconfig.server)
        self.exposure = exposure(settings.gateway)
        self.platform = platform(settings.cni or NodeFolders())
        self.adopts = args.get("adopt", False)
        self.register_outputs({"kubeconfig": self.kubeconfig})
