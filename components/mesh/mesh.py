"""One mesh: an Istio control plane and a gateway in one cluster, with its own intermediate CA and trust domain."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import pulumi

from components import istio
from components.clusters.cluster import Cluster, Exposure, Platform
from components.mesh import (
    cacerts,
    charts,
    endpoint,
    ingress,
    ingress_secret,
    node_agent,
    primary_remote,
    revisions,
    served,
    served_cluster,
    single_mesh,
)
from components.mesh.discovery import Discovery
from components.mesh.ingress import Https
from components.mesh.revisions import ControlPlanes
from components.mesh.roles import Role
from components.objects import OWNER, KubernetesObject, Release
from components.trust.ca import IntermediateCa, fingerprint
from components.trust.found_ca import FoundCa
from components.trust.requested_ca import IssuedCa

NAMESPACE = istio.NAMESPACE


class MeshArgs(TypedDict):
    """The arguments of a mesh."""

    cluster: Cluster
    platform: Platform
    """The cluster's platform, with the user's settings merged over it."""
    role: Role
    ca: IntermediateCa | IssuedCa | FoundCa
    """The CA of the control plane that serves the cluster: its own, the primary's, or somebody else's."""
    control_planes: ControlPlanes
    """Which control planes run in the cluster."""
    revocation_lists: pulumi.Output[str] | None
    """The revocation lists (PEM) that its proxies check; None if no CA is revoked."""
    primary: "Mesh | None"
    """The mesh whose control plane serves the cluster; None if the cluster has its own."""
    served_from: served.Networks | None
    """The only CIDRs that may reach its istiod through its gateway; None restricts nothing."""
    networks: charts.Values
    """Istio's MeshNetworks: the gateways of a single mesh whose addresses are known beforehand."""
    exports: Sequence[str]
    """The Services (`<name>.<namespace>.svc.cluster.local`) that peers may reach through the gateway."""
    ingress_hosts: Sequence[str]
    """The hosts for which the gateway accepts requests from outside."""
    https: Https | None
    """HTTPS for requests from outside; None for plain HTTP alone."""
    https_port: int
    """The port at which clients reach it, for plain HTTP to be redirected to."""
    spanning: Sequence[str]
    """The Services that span the clusters of a single mesh, by their host name in each cluster."""
    suffix: str
    """The end of the global names, by which services are called between meshes."""
    cni: bool
    """Whether Istio's CNI node agent runs in the cluster, in place of the init containers of pods."""


class Mesh(pulumi.ComponentResource):
    """The control plane, the gateway and the policies of one mesh."""

    name: str
    role: Role
    trust_domains: Sequence[str]
    """The trust domain that its workloads get, and then those that they may still have."""
    cluster: Cluster
    control_plane: pulumi.Resource
    """Istio's own objects and injected workloads depend on it."""
    gateway_address: pulumi.Output[str]
    gateway_port: int
    exports: Sequence[str]
    """The Services that its gateway forwards peers to, by their host name in the cluster."""
    ingress_url: pulumi.Output[str]
    cni: bool
    """Whether its pods start with Istio's CNI node agent."""
    init_containers: bool
    """Whether sidecars need an init container that changes the pod's network; not known if somebody else decides."""
    https_url: pulumi.Output[str] | None
    """The gateway's address for HTTPS; clients ask it for a host of the certificate. None without HTTPS."""

    def __init__(self, name: str, args: MeshArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self.role = role = args["role"]
        super().__init__("multimesh:index:Mesh", name, {"trust_domain": role.trust_domain}, opts)
        self.name = name
        self.trust_domains = role.trust_domains
        self.exports = args["exports"]
        self._ca, self._lists = args["ca"], args["revocation_lists"]
        self._https, self._served_from = args["https"], args["served_from"]
        self.cni = args["cni"]
        with_agent = self.cni or node_agent.is_somebodys(args["platform"].values.get("istiod", {}))
        self.init_containers = role.plane.installed and not with_agent
        self.cluster = args["cluster"]
        platform, exposure = args["platform"], self.cluster.exposure

        self.control_plane = self._install(args)

        # The gateway, whose pod starts with the certificate if it is there
        certificate = self._certificate(self._https) if self._https else []
        gateway = self._release(
            "gateway",
            role.plane.gateway,
            platform,
            self._gateway_values(exposure),
            [self.control_plane, *certificate],
            # Deleting the Service deletes the cloud's load balancer; deleting the cluster does not.
            outlives=exposure.service == "LoadBalancer",
        )

        self.serving: list[pulumi.Resource] = [gateway]
        if self.configured:
            self._configure(args)

        # Where the gateway is
        of_service = (
            endpoint.of_service(self, self.name, self.cluster, gateway)
            if exposure.address is None
            else exposure.address
        )
        self.gateway_address = pulumi.Output.from_input(of_service)
        self.gateway_port = exposure.port
        self.ingress_url = self.gateway_address.apply(lambda at: endpoint.ingress_url(at, exposure.ingress_port))
        self.https_url = None
        if self._https:
            self.https_url = self.gateway_address.apply(lambda at: endpoint.https_url(at, exposure.https_port))
        self.register_outputs(
            {
                "gateway_address": self.gateway_address,
                "gateway_port": self.gateway_port,
                "ingress_url": self.ingress_url,
            }
        )

    def _install(self, args: MeshArgs) -> pulumi.Resource:
        """Install the control plane: its own, or what it needs to be served by another cluster's."""
        role, platform, own, ca = self.role, args["platform"], self.cluster.child_options(self), args["ca"]
        if isinstance(ca, FoundCa):
            raise TypeError("a control plane that is installed needs a CA to sign with")
        kept = pulumi.ResourceOptions.merge(own, pulumi.ResourceOptions(retain_on_delete=self.cluster.adopts or None))
        metadata = single_mesh.namespace_metadata(role, adopted=self.cluster.adopts)
        self.namespace = KubernetesObject(f"{self.name}-{NAMESPACE}", "v1", "Namespace", metadata=metadata, opts=kept)
        planes = args["control_planes"]
        validating = {} if planes.validating == istio.DEFAULT_REVISION else {"defaultRevision": planes.validating}
        base = self._release("base", "istio-base", platform, validating, [self.namespace])
        # A pod that starts before its node has the agent's plugin is repaired later, and does not answer until then.
        first = [base, *self._node_agent(platform)]
        if primary := args["primary"]:
            return self._of_primary(primary, platform, first, ca)
        values = charts.istiod_values(role, ca.root_pem, ca.root_pem.apply(fingerprint))
        if self._lists is not None:
            values = charts.merged(values, charts.another_pod_for(self._lists))
        called = args["spanning"] if role.one_mesh else [f"*.{args['suffix']}"]
        values = charts.merged(values, charts.latency_values(called))
        if role.one_mesh:
            values = charts.merged(values, single_mesh.istiod_values(role, args["networks"], args["spanning"]))
        if self.cni:
            values = charts.merged(values, node_agent.istiod_values())
        secret = cacerts.secret(self, self.name, self.cluster, self._namespace_name, ca, self._lists)
        after = [*first, secret]
        for former in planes.former:
            self._istiod(former.revision, former.on(platform), values, after, former.chart)
        return self._istiod(planes.revision, platform, values, after)

    def _istiod(
        self,
        revision: str,
        platform: Platform,
        values: charts.Values,
        after: list[pulumi.Resource],
        source: Mapping[str, Any] | None = None,
    ) -> Release:
        """Install the control plane of a revision, from the chart of an earlier run if one is given."""
        name = revisions.release(revision)
        values = charts.merged(values, revisions.values(revision))
        return self._release("istiod", name, platform, values, after, resource=name, source=source)

    def _node_agent(self, platform: Platform) -> list[pulumi.Resource]:
        """Install the node agent if the mesh has one: outside istio-system, whose pods may not change the node."""
        if not self.cni:
            return []
        namespace, name = istio.NODE_AGENT
        # By its pods' annotation the release is known as this stack's, whose namespace it is not.
        values: charts.Values = {"podAnnotations": {OWNER: self.cluster.provider.id}}
        return [self._release(node_agent.CHART, name, platform, values, [], namespace=namespace)]

    def _gateway_values(self, exposure: Exposure) -> charts.Values:
        certificate = self._https.secret if self._https else None
        values = charts.gateway_values(
            exposure,
            self.role,
            certificate=certificate,
            checks_revocation=self._lists is not None,
            sees_clients=self._served_from is not None,
        )
        return charts.merged(values, revisions.values(self.role.plane.revision))

    @property
    def configured(self) -> bool:
        """Whether this cluster needs Istio's objects: a control plane reads only those of its own cluster."""
        return self.role.primary is None

    @property
    def _namespace_name(self) -> pulumi.Input[str]:
        return self.namespace.metadata["name"]

    def read_by(self, readers: Sequence["Mesh"]) -> list[pulumi.Resource]:
        """Let the control planes of other clusters of the same mesh read this cluster's endpoints."""
        if not readers:
            return []
        discovery = Discovery(
            self.name,
            {
                "cluster": self.cluster,
                "namespace": self.namespace.metadata["name"],
                "controlled": not self.configured,
                "ca_expires": self._ca.expires,
            },
        )
        return [discovery.given_to(mesh.name, mesh.cluster, mesh.namespace.metadata["name"]) for mesh in readers]

    def _of_primary(
        self, primary: "Mesh", platform: Platform, first: list[pulumi.Resource], ca: IntermediateCa | IssuedCa
    ) -> pulumi.Resource:
        """Create the objects with which another cluster's control plane serves this one."""
        bundle = ca.trusted_pem.apply(lambda pem: base64.b64encode(pem.encode()).decode())
        values = primary_remote.remote_values(self.role, bundle)
        after = [*first, *self.read_by([primary]), *primary.serving]
        webhook = self.cluster.child_options(self, [self._release("istiod", "istiod", platform, values, after)])
        return served_cluster.point_to(primary.gateway_address, primary.cluster.exposure, self.name, webhook)

    def _configure(self, args: MeshArgs) -> None:
        """Create the Istio objects that apply to the whole mesh."""
        # Access: everybody may call the ingress; istiod authenticates the clusters that it serves
        ports = [istio.INGRESS_PORT, *([istio.HTTPS_PORT] if args["https"] else [])]
        ports += [*istio.ISTIOD_TLS_PORTS] if self.role.serves else []
        self._policy("PeerAuthentication", "strict", "default", istio.strict_mutual_tls())
        self._policy("NetworkPolicy", "istiod-ports", "istiod-by-tls-alone", istio.istiod_by_tls_alone())
        closed = istio.gateway_ports(self.trust_domains, ports, istiod_from=self._served_from)
        self._policy("AuthorizationPolicy", "gateway-ports", istio.GATEWAY_PORTS, closed)

        self._forward(args)

    def _forward(self, args: MeshArgs) -> None:
        """Create the Istio objects that say what the gateway forwards to."""
        https = args["https"]
        if exports := args["exports"]:
            self._policy("Gateway", "peer-gateway", istio.PEER_GATEWAY, istio.peer_gateway(exports))
        if hosts := args["ingress_hosts"]:
            # Plain HTTP is redirected before its own Gateway takes none of it, so that no request finds a closed port.
            first = self._redirect(hosts, args["https_port"]) if https and https.redirect else []
            first += self.serving if https else []
            spec = ingress.gateway(hosts, https)
            self._policy("Gateway", "ingress-gateway", istio.INGRESS_GATEWAY, spec, first)
        if self.role.serves:
            gateway, route = primary_remote.istiod_gateway(), primary_remote.istiod_route(f"{NAMESPACE}/istiod")
            self.serving.append(self._policy("Gateway", "istiod-gateway", "istiod", gateway))
            self.serving.append(self._policy("VirtualService", "istiod-route", "istiod", route))

    def _certificate(self, https: Https) -> list[KubernetesObject]:
        """Create the Secret with the certificate of the ingress, or say if the one of somebody else is of no use."""
        certificate = https.certificate
        if certificate is None:
            ingress_secret.watch(self.name, self.cluster, https, self.role.plane.root_namespace)
            return []
        return [
            KubernetesObject(
                f"{self.name}-ingress-certificate",
                "v1",
                "Secret",
                type="kubernetes.io/tls",
                metadata={"name": https.secret, "namespace": self._namespace_name},
                stringData=ingress.certificate(certificate.chain_pem, certificate.private_key_pem),
                opts=self.cluster.child_options(self),
            )
        ]

    def _redirect(self, hosts: Sequence[str], https_port: int) -> list[pulumi.Resource]:
        """Create the objects that send plain HTTP to HTTPS."""
        gateway = self._policy("Gateway", "redirect-gateway", ingress.REDIRECT, istio.ingress_gateway(hosts))
        route = ingress.redirect(https_port, self.role.plane.root_namespace)
        return [self._policy("VirtualService", "redirect", ingress.REDIRECT, route, [gateway])]

    def _policy(
        self, kind: str, suffix: str, name: str, spec: istio.Spec, after: Sequence[pulumi.Resource] = ()
    ) -> KubernetesObject:
        """Create an Istio object in this mesh, after its control plane, which validates the object."""
        if kind == "Gateway":
            spec = {**spec, "selector": self.role.plane.gateway_selector}
        return KubernetesObject(
            f"{self.name}-{suffix}",
            istio.API_VERSIONS[kind],
            kind,
            metadata={"name": name, "namespace": self.role.plane.root_namespace},
            spec=spec,
            opts=self.cluster.child_options(self, [self.control_plane, *after]),
        )

    def _release(
        self,
        chart: str,
        name: str,
        platform: Platform,
        values: charts.Values,
        after: list[pulumi.Resource],
        *,
        namespace: str | None = None,
        outlives: bool = False,
        resource: str | None = None,
        source: Mapping[str, Any] | None = None,
    ) -> Release:
        """Register a release of a chart; `resource` is the end of its name in Pulumi, if it is not the chart's."""
        return Release(
            f"{self.name}-{resource or chart}",
            name=name,
            namespace=namespace or self.role.plane.root_namespace,
            **(source or charts.source(platform, chart)),
            values=charts.complete(chart, values, platform),
            opts=self.cluster.child_options(self, after, outlives=outlives),
        )
