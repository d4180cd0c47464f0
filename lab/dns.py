"""The cluster's DNS server: CoreDNS, which answers for Services and pods."""

from typing import Any

from lab import api
from lab.allocation import Allocation
from lab.http_client import httpx

_COREFILE = """\
.:53 {
    errors
    health
    ready
    kubernetes %s in-addr.arpa ip6.arpa {
        pods insecure
        ttl 5
    }
    cache 5
}
"""
_LABELS = {"k8s-app": "kube-dns"}


def install(cluster: Allocation, client: httpx.Client) -> str:
    """Install CoreDNS, or what is missing of it; return why that is not possible yet, "" when it is done."""
    for path, manifest in manifests(cluster).items():
        if fault := api.apply(client, path, manifest):
            return fault
    return ""


def manifests(cluster: Allocation) -> dict[str, dict[str, Any]]:
    """Return CoreDNS's objects by their paths at the API server."""
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    core = "/api/v1/namespaces/kube-system"
    return {
        f"{core}/serviceaccounts/coredns": _object("v1", "ServiceAccount", "coredns"),
        f"{rbac}/clusterroles/coredns": _object(
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            "coredns",
            rules=[
                {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
            ],
        ),
        f"{rbac}/clusterrolebindings/coredns": _object(
            "rbac.authorization.k8s.io/v1",
            "ClusterRoleBinding",
            "coredns",
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "coredns"},
            subjects=[{"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}],
        ),
        f"{core}/configmaps/coredns": _object(
            "v1", "ConfigMap", "coredns", data={"Corefile": _COREFILE % cluster.domain}
        ),
        f"{core}/services/kube-dns": _object(
            "v1",
            "Service",
            "kube-dns",
            spec={
                "clusterIP": cluster.dns_service,
                "selector": _LABELS,
                "ports": [
                    {"name": "dns", "port": 53, "protocol": "UDP"},
                    {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
                ],
            },
        ),
        "/apis/apps/v1/namespaces/kube-system/deployments/coredns": _object(
            "apps/v1", "Deployment", "coredns", spec=_deployment(cluster.coredns_image)
        ),
    }


def _object(version: str, kind: str, name: str, **content: object) -> dict[str, Any]:
    namespace = {} if kind.startswith("ClusterRole") else {"namespace": "kube-system"}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": _LABELS, **namespace}, **content}


def _deployment(image: str) -> dict[str, Any]:
    container = {
        "name": "coredns",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "170Mi"}},
        "ports": [
            {"name": "dns", "containerPort": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
        ],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "livenessProbe": {"httpGet": {"path": "/health", "port": 8080}, "failureThreshold": 5},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 65532,
        },
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
    }
    return {
        "replicas": 1,
        "selector": {"matchLabels": _LABELS},
        "template": {
            "metadata": {"labels": _LABELS},
            "spec": {
                "serviceAccountName": "coredns",
                "priorityClassName": "system-cluster-critical",
                "dnsPolicy": "Default",
                "containers": [container],
                "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
            },
        },
    }
