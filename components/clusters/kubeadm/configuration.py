"""kubeadm's configuration, as text: of a cluster, of its first node, of every node that joins.

Source: https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from components.versions import KUBERNETES_VERSION

CONTAINERD_SERIES = "2.2"
"""Of Ubuntu's own package, whose archive keeps only the newest version of a series; kubelet needs 2.0 or newer."""
UBUNTU = "noble-24.04"
"""The LTS release that has it, as Canonical names its images."""
API_PORT = 6443
TOKEN = "TOKEN"  # noqa: S105 - stands where the node puts the token, which no user data may hold
CRI_SOCKET = "unix:///run/containerd/containerd.sock"
_API = "kubeadm.k8s.io/v1beta4"
_TEN_YEARS = "87600h0m0s"
_MANIFESTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_PORTS = (2379, 2380, API_PORT, 10250, 10257, 10259)


@dataclass(frozen=True)
class KubeadmCluster:
    """A cluster as kubeadm is told of it."""

    name: str
    endpoint: str
    """The DNS name at which nodes and users reach the API, on port 6443."""
    pod_cidr: str
    service_cidr: str
    api_names: Sequence[str] = ()
    """More names and addresses in the API server's certificate."""
    ca_hash: str = ""
    """`sha256:<hex>` of the cluster CA's public key: `KubernetesPki.ca_hash`."""
    kubernetes_version: str = KUBERNETES_VERSION
    containerd_series: str = CONTAINERD_SERIES
    pause_image: str = "registry.k8s.io/pause:3.10.2"
    """The one that kubeadm of this version uses; containerd must be configured with the same."""


def init(cluster: KubeadmCluster) -> str:
    """Return what `kubeadm init` is given on the first control-plane node: YAML of three documents.

    The join token never expires. An auto-scaling group starts a worker whenever one has died, with the user data that
    it has always had: with a token of a day, kubeadm's default, a cluster would lose its workers one by one after the
    first night, and a new token could only come from a node that somebody logs in to. What the token opens is little:
    to ask for a kubelet's certificate under a node's name. It is a secret as the CA's key next to it is.
    """
    first = {
        "apiVersion": _API,
        "kind": "InitConfiguration",
        "bootstrapTokens": [
            {
                "token": TOKEN,
                "ttl": "0s",
                "description": "for every node that joins",
                "usages": ["signing", "authentication"],
                "groups": ["system:bootstrappers:kubeadm:default-node-token"],
            }
        ],
        "nodeRegistration": {"criSocket": CRI_SOCKET, "ignorePreflightErrors": _left_by_init()},
        "localAPIEndpoint": {"bindPort": API_PORT},
    }
    return _documents(first, _cluster(cluster), _kubelet())


def join(cluster: KubeadmCluster, *, control_plane: bool) -> str:
    """Return what `kubeadm join` is given: YAML of one document.

    Another control-plane node needs no certificate key: the CAs are there before kubeadm is.
    """
    joining: dict[str, Any] = {
        "apiVersion": _API,
        "kind": "JoinConfiguration",
        "discovery": {
            "bootstrapToken": {
                "token": TOKEN,
                "apiServerEndpoint": f"{cluster.endpoint}:{API_PORT}",
                "caCertHashes": [cluster.ca_hash],
            }
        },
        "nodeRegistration": {"criSocket": CRI_SOCKET},
        "timeouts": {"discovery": "10m0s"},  # workers boot as early as the control plane does
    }
    if control_plane:
        joining["controlPlane"] = {"localAPIEndpoint": {"bindPort": API_PORT}}
    return _documents(joining)


def _left_by_init() -> list[str]:
    """Return the checks that fail after an attempt that failed half-way: each phase of init can be repeated."""
    return [
        "DirAvailable--var-lib-etcd",
        *(f"FileAvailable--etc-kubernetes-manifests-{component}.yaml" for component in _MANIFESTS),
        *(f"Port-{port}" for port in _PORTS),
    ]


def _cluster(cluster: KubeadmCluster) -> dict[str, Any]:
    return {
        "apiVersion": _API,
        "kind": "ClusterConfiguration",
        "clusterName": cluster.name,
        "kubernetesVersion": f"v{cluster.kubernetes_version}",
        "controlPlaneEndpoint": f"{cluster.endpoint}:{API_PORT}",
        "networking": {"podSubnet": cluster.pod_cidr, "serviceSubnet": cluster.service_cidr},
        "apiServer": {"certSANs": [cluster.endpoint, *cluster.api_names]},
        # certificates
        "encryptionAlgorithm": "ECDSA-P256",
        # As long as the CA's: nobody logs in to renew them, and a year later the cluster would stand still.
        "certificateValidityPeriod": _TEN_YEARS,
    }


def _kubelet() -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "systemd",
    }


def _documents(*documents: dict[str, Any]) -> str:
    return yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)
