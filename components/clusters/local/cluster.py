"""A cluster of the lab: it runs on this machine from `pulumi up` until `pulumi destroy`."""

from collections.abc import Sequence

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
from components.clusters.local.provider import LabCluster
from components.clusters.local.settings import LocalClusterSettings
from lab.paths import CHARTS, IMAGE_HUB, IMAGE_TAG


def platform() -> Platform:
    """Return the lab's charts and images, with values for a stock Envoy, which lacks Istio's own filters."""
    small = {"requests": {"cpu": "10m", "memory": "64Mi"}}
    images = {"hub": IMAGE_HUB, "tag": IMAGE_TAG, "imagePullPolicy": "IfNotPresent"}
    istiod = {
        "global": {**images, "proxy": {"resources": small}},
        "telemetry": {"enabled": False},
        "env": {"PILOT_ENABLE_METADATA_EXCHANGE": "false", "PILOT_ENABLE_ALPN_FILTER": "false"},
        "autoscaleEnabled": False,
        "resources": small,
    }
    # Helm takes a DaemonSet of one node for ready before its pod is, so a pod may start before the agent has set up the
    # node. Here the agent may not enter the pod's network to repair it; a pod that is deleted starts anew.
    agent = {"repair": {"repairPods": False, "deletePods": True}}
    gateway = {"autoscaling": {"enabled": False}, "imagePullPolicy": "IfNotPresent", "resources": small}
    return Platform(
        charts=str(CHARTS),
        version=None,
        values={"cni": {"global": images, "resources": small, **agent}, "istiod": istiod, "gateway": gateway},
        sample_image=f"{IMAGE_HUB}/app:{IMAGE_TAG}",
    )


class LocalCluster(Cluster):
    """A lab cluster and its Kubernetes provider."""

    # A stopped cluster keeps its data and starts again: a refresh must not drop its objects from the state.
    skip_unreachable = True
    shows_clients = True

    def __init__(
        self, name: str, args: ClusterArgs[LocalClusterSettings], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("multimesh:index:LocalCluster", name, None, opts)
        lab = LabCluster(
            f"{name}-lab",
            f"{pulumi.get_stack()}-{name}",
            IMAGE_TAG,
            pulumi.ResourceOptions(parent=self, hooks=self.when_created(name)),
            flat=args["flat"],
        )
        self.lifetime, self._address = lab, lab.address
        self.kubeconfig = pulumi.Output.secret(lab.kubeconfig)
        self.provider = self.kubernetes_provider(name, lab.id)
        self.exposure = Exposure("NodePort", lab.address, PEER_NODE_PORT, INGRESS_NODE_PORT, https_port=HTTPS_NODE_PORT)
        self.platform = platform()
        self.register_outputs({"kubeconfig": self.kubeconfig, "address": lab.address})

    @property
    def seen_from_beside(self) -> Sequence[pulumi.Output[str]]:
        """The node's address, which all that leaves the cluster has, also in a flat network."""
        return [self._address]
