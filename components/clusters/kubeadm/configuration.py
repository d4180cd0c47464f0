"""kubeadm's configuration, as text: for the cluster, for its first node, and for every node that joins.

Source: https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from components.versions import KUBERNETES_VERSION, PAUSE_IMAGE
from components.versions.digests import pinned

CONTAINERD_SERIES = "2.2"
"""The series of Ubuntu's containerd package. The archive keeps only its newest version; kubelet needs 2.0 or newer."""
UBUNTU = "noble-24.04"
"""The LTS release with that package, as in the names of Canonical's images."""
API_PORT = 6443
TOKEN, NODE_NAME = "TOKEN", "NODE_NAME"
"""Placeholders that the node replaces: user data must not hold the token, and the name is the id of the instance."""
IDENTITY = "/run/multimesh-identity.conf"
"""The kubeconfig with which a node joins, by a certificate in its own name."""
CRI_SOCKET = "unix:///run/containerd/containerd.sock"
_API = "kubeadm.k8s.io/v1beta4"
_REGISTRATION: dict[str, Any] = {"name": NODE_NAME, "criSocket": CRI_SOCKET}
_ASKING = "system:bootstrappers:multimesh"
_APPROVER = "multimesh:node-approver"
_SIGNERS = ("kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving")
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
    worker_role: str = ""
    """The ARN of the IAM role by which workers prove who they are."""
    kubernetes_version: str = KUBERNETES_VERSION
    containerd_series: str = CONTAINERD_SERIES
    pause_image: str = pinned(PAUSE_IMAGE)
    """The pause image of this kubeadm version; containerd must be configured with the same image."""


def init(cluster: KubeadmCluster) -> str:
    """Return the configuration of `kubeadm init` on the first control-plane node: YAML with three documents.

    The token never expires, as an auto-scaling group starts workers years later. It lets its holder ask for a
    certificate and opens nothing else: its group is not kubeadm's, whose requests are approved whatever name they have.
    """
    first = {
        "apiVersion": _API,
        "kind": "InitConfiguration",
        "bootstrapTokens": [
            {
                "token": TOKEN,
                "ttl": "0s",
                "description": "lets workers ask for a certificate",
                "usages": ["authentication"],
                "groups": [_ASKING],
            }
        ],
        "nodeRegistration": {**_REGISTRATION, "ignorePreflightErrors": _left_by_init()},
        "localAPIEndpoint": {"bindPort": API_PORT},
    }
    return _documents(first, _cluster(cluster), _kubelet())


def join(*, control_plane: bool) -> str:
    """Return the configuration of `kubeadm join`: YAML with one document.

    A joining control-plane node needs no certificate key: the CAs are on the node before kubeadm runs.
    """
    joining: dict[str, Any] = {
        "apiVersion": _API,
        "kind": "JoinConfiguration",
        "discovery": {"file": {"kubeConfigPath": IDENTITY}},
        "nodeRegistration": _REGISTRATION,
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
                    "kubelet-certificate-authority": "/etc/kubernetes/pki/ca.crt",
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


def cluster(cluster: KubeadmCluster) -> str:
    """Return the configuration of the cluster alone, with which a control-plane node signs client certificates."""
    return _documents(_cluster(cluster))


def nodes() -> str:
    """Return who may ask for nodes' certificates and who approves them: YAML of RBAC objects.

    Source: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization
    """
    requests = "certificatesigningrequests"
    asking = [_rule([requests], ["create", "get"])]
    approving = [
        _rule([requests], ["get", "list"]),
        _rule([f"{requests}/approval"], ["update"]),
        {**_rule(["signers"], ["approve"]), "resourceNames": list(_SIGNERS)},
    ]
    return _documents(
        *_role("multimesh:ask-for-node-certificates", asking, "Group", _ASKING),
        *_role(_APPROVER, approving, "User", _APPROVER),
    )


def dns() -> str:
    """Return what keeps one pod of the cluster's DNS running while the node of both is drained: YAML of an object.

    kubeadm makes none, and prefers two nodes for two pods; the first node is the only one when they start.
    Source: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
    """
    return _documents(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "coredns", "namespace": "kube-system"},
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"k8s-app": "kube-dns"}}},
        }
    )


def _rule(resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": ["certificates.k8s.io"], "resources": resources, "verbs": verbs}


def _role(name: str, rules: list[dict[str, Any]], kind: str, subject: str) -> Iterator[dict[str, Any]]:
    """Yield a ClusterRole, and the binding that gives it to a user or a group."""
    api = "rbac.authorization.k8s.io"
    yield {"apiVersion": f"{api}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
    yield {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": api, "kind": kind, "name": subject}],
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
        # the cluster's CA signs what a kubelet serves with, once its names are checked
        "serverTLSBootstrap": True,
    }


def _documents(*documents: dict[str, Any]) -> str:
    return yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)
