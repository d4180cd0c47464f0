"""The pod network (CNI) of a cluster created with kubeadm: Flannel, installed with its own Helm chart.

Flannel is enough: the cluster needs only a VXLAN between the nodes. Istio decides who may connect to whom, by identity
and not by address. A CNI that load-balances or redirects inside the kernel, such as Cilium, would need settings in
several places so that it does not bypass Istio's sidecars.
"""

from pulumi_kubernetes.helm.v3 import Release

from components.clusters.cluster import Cluster

_REPOSITORY = "https://flannel-io.github.io/flannel"
_VERSION = "v0.28.10"
VXLAN_PORT = 8472


def make(cluster: Cluster, name: str, pod_cidr: str) -> Release:
    """Create the DaemonSet that connects the nodes' pods; kubeadm gives each node a part of `pod_cidr`."""
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
