"""Access of other clusters' control planes to a cluster's endpoints: a service account with a token that is renewed."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, TypedDict

import pulumi
import yaml

from components.clusters.cluster import Cluster
from components.istio import MANAGED
from components.objects import KubernetesObject

_READ = ["get", "list", "watch"]


def rules(*, controlled: bool) -> list[Any]:
    """Return the RBAC rules of the service account: it reads the Kubernetes and Istio objects behind endpoints.

    In a cluster that istiod controls, it also verifies the pods' tokens, and writes the root certificate to every
    namespace. The rules cover istiod's observed requests; the ClusterRole of Istio's chart allows more.
    """
    reading = [
        {
            "apiGroups": [""],
            "resources": ["services", "endpoints", "pods", "nodes", "namespaces"],
            "verbs": _READ,
        },
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": _READ},
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": _READ},
        {"apiGroups": ["networking.istio.io"], "resources": ["workloadentries"], "verbs": _READ},
        {"apiGroups": ["gateway.networking.k8s.io"], "resources": ["gateways"], "verbs": _READ},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["istio"], "verbs": _READ},
        # Istio 1.31 never reports a cluster as synced whose Secrets it may not list; with
        # PILOT_ENABLE_REMOTE_CREDENTIALS_CONTROLLER=false, which is meant to avoid that, it crashes.
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]},
    ]
    controlling = [
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            # the root's certificate and revocations, and which of several replicas writes them
            "resourceNames": ["istio-ca-root-cert", "istio-ca-crl", "istio-namespace-controller-election"],
            "verbs": [*_READ, "update"],
        },
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]},
        {
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": ["mutatingwebhookconfigurations"],
            "verbs": _READ,
        },
        {
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": ["mutatingwebhookconfigurations"],
            "resourceNames": ["istio-sidecar-injector"],
            "verbs": ["patch", "update"],
        },
    ]
    return reading + (controlling if controlled else [])


def kubeconfig(administrators: str, cluster: str, token: str) -> str:
    """Return a kubeconfig (YAML) with this token, for the cluster that the administrator's kubeconfig points to."""
    document = yaml.safe_load(administrators)
    [context] = [entry["context"] for entry in document["contexts"] if entry["name"] == document["current-context"]]
    [server] = [entry["cluster"] for entry in document["clusters"] if entry["name"] == context["cluster"]]
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": cluster, "cluster": server}],
            "users": [{"name": cluster, "user": {"token": token}}],
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
            "current-context": cluster,
        }
    )


def token_name(ca_expires: str) -> str:
    """Return the name of the token's Secret: a renewed CA gets a new Secret, and so a new token."""
    return f"istio-remote-{hashlib.sha256(ca_expires.encode()).hexdigest()[:8]}"


class DiscoveryArgs(TypedDict):
    """The arguments of the access to a cluster."""

    cluster: Cluster
    namespace: pulumi.Input[str]
    """istio-system, once it exists."""
    controlled: bool
    """Whether the reader is the cluster's own control plane, which runs elsewhere."""
    ca_expires: pulumi.Input[str]
    """When the CA that signs the cluster's workloads expires (RFC 3339): a renewed CA renews the token."""


class Discovery(pulumi.ComponentResource):
    """The service account with which control planes of other clusters read one cluster."""

    kubeconfig: pulumi.Output[str]
    """A secret."""

    def __init__(self, name: str, args: DiscoveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("multimesh:index:Discovery", name, {"controlled": args["controlled"]}, opts)
        self._cluster_name = name
        cluster, own = args["cluster"], args["cluster"].child_options(self)

        # An identity, and what it may do
        named, rbac = {"name": "istio-remote", "labels": MANAGED}, "rbac.authorization.k8s.io"
        account = KubernetesObject(
            f"{name}-remote",
            "v1",
            "ServiceAccount",
            metadata={**named, "namespace": args["namespace"]},
            automountServiceAccountToken=False,
            opts=own,
        )
        role = KubernetesObject(
            f"{name}-remote-role",
            f"{rbac}/v1",
            "ClusterRole",
            metadata=named,
            rules=rules(controlled=args["controlled"]),
            opts=own,
        )
        binding = KubernetesObject(
            f"{name}-remote-binding",
            f"{rbac}/v1",
            "ClusterRoleBinding",
            metadata=named,
            roleRef={"apiGroup": rbac, "kind": "ClusterRole", "name": role.metadata["name"]},
            subjects=[
                {"kind": "ServiceAccount", "name": account.metadata["name"], "namespace": args["namespace"]},
            ],
            opts=own,
        )

        # Its token; Pulumi creates a new one and gives it to the readers before it deletes the old one
        token = KubernetesObject(
            f"{name}-remote-token",
            "v1",
            "Secret",
            type="kubernetes.io/service-account-token",
            metadata={
                "name": pulumi.Output.from_input(args["ca_expires"]).apply(token_name),
                "namespace": args["namespace"],
                "annotations": {"kubernetes.io/service-account.name": account.metadata["name"]},
            },
            opts=cluster.child_options(self, [binding]),
        )
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.all(cluster.kubeconfig, token.data).apply(
                lambda both: kubeconfig(both[0], name, _token(both[1]))
            )
        )
        self.register_outputs({})

    def given_to(self, reader: str, cluster: Cluster, namespace: pulumi.Input[str]) -> KubernetesObject:
        """Create, in another cluster (named `reader`), the Secret with which its control plane reads this one."""
        name = self._cluster_name
        return KubernetesObject(
            f"{name}-remote-in-{reader}",
            "v1",
            "Secret",
            metadata={
                "name": f"istio-remote-secret-{name}",
                "namespace": namespace,
                "labels": {"istio/multiCluster": "true"},
                "annotations": {"networking.istio.io/cluster": name},
            },
            stringData={name: self.kubeconfig},
            opts=cluster.child_options(self),
        )


def _token(data: Mapping[str, str]) -> str:
    return base64.b64decode(data["token"]).decode()
