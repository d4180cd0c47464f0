"""A cluster on Google Kubernetes Engine, in a new network.

Standard, not Autopilot. Autopilot adds and removes nodes as pods need them, so the user could not set the number of
nodes. Its minimum pod sizes enlarge every sidecar. It rejects NET_ADMIN, which Istio's init containers need, unless
allowed.
"""

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from components.clusters.cluster import Cluster, ClusterArgs, Platform
from components.clusters.gke import apis, load_balancer, network, nodes, security
from components.clusters.gke.kubeconfig import kubeconfig
from components.clusters.gke.names import labels
from components.clusters.gke.scope import Scope
from components.clusters.gke.settings import GkeClusterSettings
from components.clusters.immutable import ImmutableSettings


def platform() -> Platform:
    """Return Istio's own charts and images, and where GKE's nodes have the plugins of the pod network."""
    return Platform(values={"cni": {"cniBinDir": "/home/kubernetes/bin"}})


class GkeCluster(Cluster):
    """A network, a Standard cluster with one node pool, and the gateway's address."""

    def __init__(
        self, name: str, args: ClusterArgs[GkeClusterSettings], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        settings = args["settings"]
        super().__init__("multimesh:index:GkeCluster", name, settings.model_dump(), opts)
        own = pulumi.ResourceOptions(parent=self)
        kept = ImmutableSettings(f"{name}-settings", name, settings.immutable, own)
        labelled = labels(pulumi.get_project(), pulumi.get_stack(), name)
        provider = gcp.Provider(
            f"{name}-google",
            project=settings.project_id,
            region=settings.region,
            default_labels=labelled,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[kept]),
        )
        self._settings = settings
        self._scope = scope = Scope(name, self, provider, labelled)
        enabled = apis.enable(scope, settings)

        # Network
        vpc = network.make(scope, settings, enabled)
        self.egress_addresses = vpc.egress_addresses

        # Security
        self._security = account = security.make(scope, settings, vpc, enabled)

        # Nodes
        cluster = nodes.control_plane(scope, settings, vpc, account)
        pool = nodes.pool(scope, settings, vpc, account, cluster)

        # Load balancer
        self.exposure = load_balancer.make(scope, settings, enabled)

        # Outputs
        self.lifetime = cluster
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.all(cluster.name, cluster.endpoint, cluster.master_auth.cluster_ca_certificate).apply(
                lambda known: kubeconfig(*known)
            )
        )
        # Objects in the cluster need nodes; Pulumi deletes the gateway's Service before the nodes.
        self.provider = self.kubernetes_provider(name, cluster.id, depends_on=[pool])
        self.platform = platform()
        self.register_outputs({"kubeconfig": self.kubeconfig, "gateway_address": self.exposure.address})

    def admit(self, peers: Sequence[pulumi.Output[str]] | None) -> None:
        """Allow only these addresses and `peer_cidrs` to reach the ports for peers; without both, leave them open."""
        security.admit(self._scope, self._settings, self._security, peers)
