"""Leave for a control plane elsewhere to learn of a cluster's pods: an identity there, with a token that is renewed."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, TypedDict

import pulumi
import yaml

from components.clusters.cluster import Cluster
from components.objects import KubernetesObject

_READ = ["get", "list", "watch"]


def rules(*, controlled: bool) -> list[Any]:
    """Return what the identity may do: read what endpoints are made of, and Istio's own kinds of them.

    Of a cluster that it controls, istiod also verifies the pods' tokens, and gives every namespace the root's
    certificate. Found by what istiod asks for; the role that Istio's chart has for this allows more.
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
        # Istio 1.31 takes no cluster for synced whose Secrets it may not list, and with
        # PILOT_ENABLE_REMOTE_CREDENTIALS_CONTROLLER=false, which is to spare that, it crashes.
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
    """Return the kubeconfig (YAML) of one who has a token, for the cluster that the administrator's leads to."""
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
    """Return the name of the token's Secret: another one, and so another token, whenever the CA is renewed."""
    return f"istio-remote-{hashlib.sha256(ca_expires.encode()).hexdigest()[:8]}"


class DiscoveryArgs(TypedDict):
    """What leave to read a cluster is made from."""

    cluster: Cluster
    namespace: pulumi.Input[str]
    """istio-system, once it is there."""
    controlled: bool
    """Whether the reader is the cluster's own control plane, which runs elsewhere."""
    ca_expires: pulumi.Input[str]
    """When the CA that signs the cluster's workloads expires (RFC 3339): the token is renewed with it."""


class Discovery(pulumi.ComponentResource):
    """The identity in one cluster as which control planes elsewhere read it."""

    kubeconfig: pulumi.Output[str]
    """A secret."""

    def __init__(self, name: str, args: DiscoveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("multimesh:index:Discovery", name, {"controlled": args["controlled"]}, opts)
        self._cluster_name = name
        cluster, own = args["cluster"], args["cluster"].child_options(self)

        # An identity, and what it may do
        named, rbac = {"name": "istio-remote"}, "rbac.authorization.k8s.io"
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

        # Its token; a new one is there, and given to the readers, before the old one is taken away
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
        """Make, in another cluster, the Secret by which its control plane (named `reader`) reads this one."""
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
