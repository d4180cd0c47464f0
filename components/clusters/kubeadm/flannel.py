"""The pod network of a cluster that comes without one: Flannel, by its own chart.

Flannel and nothing larger: the cluster needs only a VXLAN between the nodes. Istio decides who may connect to whom, by
identity and not by address. And a CNI that load-balances or redirects inside the kernel, as Cilium does, must be
configured in several places not to take traffic away from Istio's sidecars.
"""

from pulumi_kubernetes.helm.v3 import Release

from components.clusters.cluster import Cluster

_REPOSITORY = "https://flannel-io.github.io/flannel"
_VERSION = "v0.28.10"
VXLAN_PORT = 8472


def make(cluster: Cluster, name: str, pod_cidr: str) -> Release:
    """Make the DaemonSet that connects the nodes' pods; kubeadm gives each node a part of `pod_cidr`."""
    return Release(
        f"{name}-flannel",
        name="flannel",
        namespace="kube-flannel",
        create_namespace=True,
        chart="flannel",
        version=_VERSION,
        repository_opts={"repo": _REPOSITORY},
        values={"podCidr": pod_cidr, "flannel": {"backend": "vxlan", "backendPort": VXLAN_PORT}},
        opts=cluster.child_options(cluster),
    )
