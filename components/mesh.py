"""One mesh: an Istio control plane and a gateway in one cluster, with a CA and a trust domain of its own."""

from collections.abc import Sequence
from typing import Any, TypedDict

import pulumi

from components import charts, endpoint, istio
from components.clusters import Cluster, Platform
from components.objects import KubernetesObject, Release, find
from components.trust import IntermediateCa
from components.trust_stack import IssuedCa

NAMESPACE = istio.NAMESPACE


class MeshArgs(TypedDict):
    """What a mesh is made from."""

    cluster: Cluster
    platform: Platform
    """The cluster's, with the user's choices over it."""
    ca: IntermediateCa | IssuedCa
    trust_domain: str
    exports: Sequence[str]
    """The Services (`<name>.<namespace>.svc.cluster.local`) that peers may reach through the gateway."""
    ingress_hosts: Sequence[str]
    """The hosts that the gateway answers for to the world."""
    global_names: Sequence[str]
    """Every federated service that the mesh's callers may ask for."""


class Mesh(pulumi.ComponentResource):
    """The control plane, the gateway and the policies of one mesh."""

    name: str
    trust_domain: str
    cluster: Cluster
    control_plane: pulumi.Resource
    """Istio's own objects and injected workloads can be made after it."""
    gateway_address: pulumi.Output[str]
    gateway_port: int
    ingress_url: pulumi.Output[str]

    def __init__(self, name: str, args: MeshArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        described = {key: args[key] for key in ("trust_domain", "exports", "ingress_hosts", "global_names")}
        super().__init__("multimesh:index:Mesh", name, described, opts)
        self.name = name
        self.trust_domain = args["trust_domain"]
        self.cluster = args["cluster"]
        platform, exposure = args["platform"], self.cluster.exposure

        # The CA that istiod signs with, there before istiod starts
        own = self.cluster.child_options(self)
        namespace = KubernetesObject(f"{name}-{NAMESPACE}", "v1", "Namespace", metadata={"name": NAMESPACE}, opts=own)
        ca = args["ca"]
        cacerts = KubernetesObject(
            f"{name}-cacerts",
            "v1",
            "Secret",
            metadata={"name": "cacerts", "namespace": namespace.metadata["name"]},
            stringData={
                "ca-cert.pem": ca.certificate_pem,
                "ca-key.pem": ca.private_key_pem,
                "root-cert.pem": ca.root_pem,
                "cert-chain.pem": pulumi.Output.concat(ca.certificate_pem, ca.root_pem),
            },
            opts=own,
        )

        # The control plane and the gateway
        base = self._release("base", "istio-base", platform, {}, [namespace])
        self.control_plane = self._release(
            "istiod", "istiod", platform, charts.istiod_values(self.trust_domain), [base, cacerts]
        )
        gateway = self._release(
            "gateway",
            istio.GATEWAY,
            platform,
            charts.gateway_values(exposure),
            [self.control_plane],
            # The cloud's load balancer goes when its Service is deleted, not when the cluster is.
            outlives=exposure.service == "LoadBalancer",
        )

        # Who may speak to whom: own workloads, and the world to the ingress
        self._policy("PeerAuthentication", "strict", "default", istio.strict_mutual_tls())
        self._policy("AuthorizationPolicy", "own", "own-identities", istio.own_identities(self.trust_domain))
        self._policy("AuthorizationPolicy", "ingress", "world-to-ingress", istio.world_to_ingress())

        # What is reached through the gateway
        if exports := args["exports"]:
            self._policy("Gateway", "peer-gateway", istio.PEER_GATEWAY, istio.peer_gateway(exports))
        if hosts := args["ingress_hosts"]:
            self._policy("Gateway", "ingress-gateway", istio.INGRESS_GATEWAY, istio.ingress_gateway(hosts))

        # What is reached of the peers
        if global_names := args["global_names"]:
            self._policy("EnvoyFilter", "lost-peers", "lost-peers", istio.lost_peers(global_names))

        # Where the gateway is
        if exposure.address is None:
            self.gateway_address = self._load_balancer_address(gateway)
        else:
            self.gateway_address = pulumi.Output.from_input(exposure.address)
        self.gateway_port = exposure.port
        self.ingress_url = self.gateway_address.apply(lambda at: endpoint.ingress_url(at, exposure.ingress_port))
        self.register_outputs(
            {
                "gateway_address": self.gateway_address,
                "gateway_port": self.gateway_port,
                "ingress_url": self.ingress_url,
            }
        )

    def istio_object(
        self, resource_name: str, kind: str, namespace: str, name: str, spec: pulumi.Input[Any], parent: pulumi.Resource
    ) -> KubernetesObject:
        """Make one of Istio's objects in this mesh, once its control plane is there to check it."""
        return KubernetesObject(
            resource_name,
            istio.API_VERSIONS[kind],
            kind,
            metadata={"name": name, "namespace": namespace},
            spec=spec,
            opts=self.cluster.child_options(parent, [self.control_plane]),
        )

    def _policy(self, kind: str, suffix: str, name: str, spec: istio.Spec) -> None:
        self.istio_object(f"{self.name}-{suffix}", kind, NAMESPACE, name, spec, self)

    def _release(
        self,
        chart: str,
        name: str,
        platform: Platform,
        values: charts.Values,
        after: list[pulumi.Resource],
        *,
        outlives: bool = False,
    ) -> Release:
        return Release(
            f"{self.name}-{chart}",
            name=name,
            namespace=NAMESPACE,
            **charts.source(platform, chart),
            values=charts.merged(values, platform.values.get(chart, {})),
            opts=self.cluster.child_options(self, after, outlives=outlives),
        )

    def _load_balancer_address(self, gateway: Release) -> pulumi.Output[str]:
        service = find(
            f"{self.name}-gateway-service",
            "v1",
            "Service",
            pulumi.Output.concat(gateway.status["namespace"], "/", gateway.status["name"]),
            opts=pulumi.ResourceOptions(parent=self, provider=self.cluster.provider),
        )

        def address(status: dict[str, Any] | None) -> str:
            return endpoint.load_balancer_address((status or {}).get("loadBalancer", {}).get("ingress"), self.name)

        return service.status.apply(address)
