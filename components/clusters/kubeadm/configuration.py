"""kubeadm's configuration, as text: for the cluster, for its first node, and for every node that joins.

Source: https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from components.versions import KUBERNETES_VERSION

CONTAINERD_SERIES = "2.2"
"""The series of Ubuntu's containerd package. The archive keeps only its newest version; kubelet needs 2.0 or newer."""
UBUNTU = "noble-24.04"
"""The LTS release with that package, as in the names of Canonical's images."""
API_PORT = 6443
TOKEN = "TOKEN"  # noqa: S105 - a placeholder: the node replaces it, as user data must not hold the token
CRI_SOCKET = "unix:///run/containerd/containerd.sock"
_API = "kubeadm.k8s.io/v1beta4"
_TEN_YEARS = "87600h0m0s"
ENCRYPTION, AUDIT_POLICY, AUDIT_LOGS = (
    "/etc/kubernetes/encryption.yaml",
    "/etc/kubernetes/audit-policy.yaml",
    "/var/log/kubernetes",
)
_MANIFESTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_PORTS = (2379, 2380, API_PORT, 10250, 10257, 10259)


@dataclass(frozen=True)
class KubeadmCluster:
    """What kubeadm must know about a cluster."""

    name: str
    endpoint: str
    """The DNS name at which nodes and users reach the API, on port 6443."""
    pod_cidr: str
    service_cidr: str
    api_names: Sequence[str] = ()
    """Additional names and addresses in the API server's certificate."""
    ca_hash: str = ""
    """`sha256:<hex>` of the cluster CA's public key: `KubernetesPki.ca_hash`."""
    kubernetes_version: str = KUBERNETES_VERSION
    containerd_series: str = CONTAINERD_SERIES
    pause_image: str = "registry.k8s.io/pause:3.10.2"
    """The pause image of this kubeadm version; containerd must be configured with the same image."""


def init(cluster: KubeadmCluster) -> str:
    """Return the configuration of `kubeadm init` on the first control-plane node: YAML with three documents.

    The join token never expires. When a worker dies, the auto-scaling group starts a new one with the same user data as
    before. With kubeadm's default, a token that is valid for one day, no new worker could join after the first day, and
    somebody would have to log in to a node to create a new token. The token permits only to request a kubelet's
    certificate under a node's name. It is a secret, like the CA's key next to it.
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
    """Return the configuration of `kubeadm join`: YAML with one document.

    A joining control-plane node needs no certificate key: the CAs are on the node before kubeadm runs.
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
        "timeouts": {"discovery": "10m0s"},  # workers boot at the same time as the control plane
    }
    if control_plane:
        joining["controlPlane"] = {"localAPIEndpoint": {"bindPort": API_PORT}}
    return _documents(joining)


def _left_by_init() -> list[str]:
    """Return the preflight checks that fail after an incomplete `kubeadm init`: each of its phases can be repeated."""
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
        "apiServer": {
            "certSANs": [cluster.endpoint, *cluster.api_names],
            "extraArgs": _arguments(
                {
                    "profiling": "false",
                    "encryption-provider-config": ENCRYPTION,
                    "audit-policy-file": AUDIT_POLICY,
                    "audit-log-path": f"{AUDIT_LOGS}/audit.log",
                    # days, files, megabytes: CIS asks for 30, 10 and 100
                    "audit-log-maxage": "30",
                    "audit-log-maxbackup": "10",
                    "audit-log-maxsize": "100",
                }
            ),
            "extraVolumes": [
                _volume("encryption", ENCRYPTION, "File"),
                _volume("audit-policy", AUDIT_POLICY, "File"),
                _volume("audit-logs", AUDIT_LOGS, "DirectoryOrCreate", read_only=False),
            ],
        },
        "controllerManager": {"extraArgs": _arguments({"profiling": "false"})},
        "scheduler": {"extraArgs": _arguments({"profiling": "false"})},
        # certificates
        "encryptionAlgorithm": "ECDSA-P256",
        # As long as the CAs: nobody logs in to renew them, and by default they expire after a year.
        "certificateValidityPeriod": _TEN_YEARS,
    }


def audit_policy() -> str:
    """Return the API server's audit policy (YAML): who did what, without the bodies of requests, which hold Secrets.

    Events and reads of leases are left out: they are most of the requests, and say nothing.
    Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
    """
    noise = [{"group": "", "resources": ["events"]}, {"group": "events.k8s.io"}, {"group": "coordination.k8s.io"}]
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "None", "resources": noise}, {"level": "Metadata"}],
    }
    return yaml.safe_dump(policy, sort_keys=False)


def encryption(key: str) -> str:
    """Return the API server's encryption configuration (YAML), a secret; `key` is base64 of 32 bytes.

    Secrets that were written before are still read, and encrypted when they are written again.
    Source: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
    """
    providers = [{"secretbox": {"keys": [{"name": "first", "secret": key}]}}, {"identity": {}}]
    return yaml.safe_dump(
        {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "EncryptionConfiguration",
            "resources": [{"resources": ["secrets"], "providers": providers}],
        },
        sort_keys=False,
    )


def _arguments(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _volume(name: str, path: str, kind: str, *, read_only: bool = True) -> dict[str, Any]:
    return {"name": name, "hostPath": path, "mountPath": path, "readOnly": read_only, "pathType": kind}


def _kubelet() -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "systemd",
    }


def _documents(*documents: dict[str, Any]) -> str:
    return yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)
