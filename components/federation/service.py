"""Exported services: one global name over all meshes, with weights and callers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import pulumi

from components import istio
from components.federation.peers import PeerMesh
from components.federation.weights import percentages
from components.mesh import single_mesh
from components.mesh.mesh import Mesh
from components.objects import KubernetesObject, find
from components.settings.service import ServiceSettings


class UnusableService(pulumi.RunError):
    """A Service that cannot be exported as configured; the message says why."""


@dataclass(frozen=True)
class Workload:
    """What a Service leads to: its cluster IP, the pods' labels, and the pods' port (None if it is known by name)."""

    cluster_ip: str
    selector: dict[str, str]
    port: int | None


def workload(spec: Mapping[str, Any], service: ServiceSettings, mesh: str) -> Workload:
    """Return what an exported Service leads to. Raises UnusableService if it cannot be reached as configured."""
    where = f"Service {service.namespace}/{service.name} in mesh {mesh}"
    cluster_ip, selector = spec.get("clusterIP"), spec.get("selector")
    if not cluster_ip or cluster_ip == "None":
        raise UnusableService(f"{where} has no cluster IP; a headless or external Service cannot be exported")
    if not selector:
        raise UnusableService(f"{where} has no selector, so nothing says whom the callers' policy is for")
    ports = {int(port["port"]): port for port in spec.get("ports") or []}
    if service.port not in ports:
        raise UnusableService(f"{where} has no port {service.port}; it has: {', '.join(map(str, ports)) or 'none'}")
    target = ports[service.port].get("targetPort") or service.port
    return Workload(cluster_ip, dict(selector), None if isinstance(target, str) else int(target))


class FederatedServiceArgs(TypedDict):
    """What a federated service is made from."""

    service: ServiceSettings
    suffix: str
    meshes: Mapping[str, Mesh]
    """Every mesh of the stack."""
    peers: Mapping[str, PeerMesh]
    """Every mesh of other stacks; nothing is made in these."""
    trust_domains: Mapping[str, str]
    """Of every mesh that may call."""
    made_here: Mapping[str, KubernetesObject]
    """The Service in those meshes where this stack makes it; elsewhere it must be there."""


class FederatedService(pulumi.ComponentResource):
    """A service that answers under its global name in every mesh, and under its short name where it runs."""

    def __init__(self, name: str, args: FederatedServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._prefix = name
        self._service = service = args["service"]
        described = {"suffix": args["suffix"], **service.model_dump()}
        super().__init__("multimesh:index:FederatedService", name, described, opts)
        meshes = args["meshes"]
        self._trust_domains = dict(sorted(args["trust_domains"].items()))
        self._members: Mapping[str, Mesh | PeerMesh] = {**meshes, **args["peers"]}
        self._global_name = service.global_name(args["suffix"])
        # In the order of their names: every stack then rounds the same weights to the same shares.
        shares = percentages({mesh: service.meshes[mesh] for mesh in sorted(service.meshes)})
        exporters = [mesh for name, mesh in meshes.items() if name in service.meshes]

        workloads = {mesh.name: self._workload(mesh, args["made_here"].get(mesh.name)) for mesh in exporters}
        for mesh in meshes.values():
            if not mesh.configured:
                continue
            if mesh.role.one_mesh:
                self._span(mesh, workloads, [meshes[exporter] for exporter in shares], shares)
            elif shares:
                self._route(mesh, workloads.get(mesh.name), [self._members[exporter] for exporter in shares], shares)
            # A control plane that serves other clusters is told of their workloads' policies, too.
            served = [workloads[name] for name in (mesh.name, *mesh.role.serves) if name in workloads]
            if served:
                self._authorize(mesh, served[0])
        self.register_outputs({})

    def _workload(self, mesh: Mesh, made_here: KubernetesObject | None) -> pulumi.Output[Workload]:
        service = self._service
        found = made_here or find(
            f"{self._prefix}.{mesh.name}",
            "v1",
            "Service",
            f"{service.namespace}/{service.name}",
            opts=pulumi.ResourceOptions(parent=self, provider=mesh.cluster.provider),
        )
        return found.spec.apply(lambda spec: workload(spec, service, mesh.name))

    def _route(
        self,
        mesh: Mesh,
        own: pulumi.Output[Workload] | None,
        exporters: Sequence[Mesh | PeerMesh],
        shares: Mapping[str, int],
    ) -> None:
        """Make, in one mesh, what leads its callers to every exporter."""
        service, host = self._service, self._global_name
        failover = service.split == "failover"
        local = istio.local_host(service.name, service.namespace)
        identities = [
            istio.principal(exporter.trust_domain, service.namespace, self._account(exporter)) for exporter in exporters
        ]

        def endpoint(exporter: Mesh | PeerMesh) -> pulumi.Input[istio.ServiceEndpoint]:
            if exporter is mesh and own is not None:
                return own.apply(lambda at: istio.ServiceEndpoint(mesh.name, at.cluster_ip, service.port))
            return exporter.gateway_address.apply(
                lambda address: istio.ServiceEndpoint(exporter.name, address, exporter.gateway_port)
            )

        entry = pulumi.Output.all(*(endpoint(exporter) for exporter in exporters)).apply(
            lambda endpoints: istio.service_entry(host, service.port, endpoints, identities)
        )
        rule = istio.destination_rule(host, service.port, local, shares, failover=failover)
        hosts = [host] if own is None else [local, host]
        inside = istio.virtual_service(hosts, "mesh", host, service.port, shares, failover=failover)
        self._object(mesh, "ServiceEntry", "service-entry", entry)
        self._object(mesh, "DestinationRule", "destination-rule", rule)
        self._object(mesh, "VirtualService", "virtual-service", inside)
        if service.ingress_hosts:
            gateway = f"{istio.NAMESPACE}/{istio.INGRESS_GATEWAY}"
            outside = istio.virtual_service(
                service.ingress_hosts, gateway, host, service.port, shares, failover=failover
            )
            self._object(mesh, "VirtualService", "ingress", outside, "-ingress")

    def _account(self, exporter: Mesh | PeerMesh) -> str:
        if isinstance(exporter, PeerMesh):
            return exporter.exports[self._global_name].service_account
        return self._service.service_account

    def _span(
        self,
        mesh: Mesh,
        workloads: Mapping[str, pulumi.Output[Workload]],
        exporters: Sequence[Mesh],
        shares: Mapping[str, int],
    ) -> None:
        """Make, in one cluster of a single mesh, what gives the Service of all of them its global name.

        Pods find each other by the Service's own name. A gateway of a network of its own sees no pods of other
        networks, so what it takes from the world goes to its own cluster's and to the gateways of the others.
        """
        service, host = self._service, self._global_name
        failover = service.split == "failover"
        local = istio.local_host(service.name, service.namespace)
        through_gateways = mesh.role.network is not None
        entry: pulumi.Input[istio.Spec] = single_mesh.alias(host, service.port)
        if through_gateways:
            entry = self._of_networks(mesh, workloads, exporters)
            rule = istio.destination_rule(host, service.port, local, shares, failover=failover)
            self._object(mesh, "DestinationRule", "destination-rule", rule)
        self._object(mesh, "ServiceEntry", "service-entry", entry)
        own = single_mesh.destination_rule(local, shares, failover=failover)
        self._object(mesh, "DestinationRule", "own-name-rule", own, "-own-name")
        inside = istio.virtual_service([local, host], "mesh", local, service.port, shares, failover=failover)
        self._object(mesh, "VirtualService", "virtual-service", inside)
        if service.ingress_hosts:
            gateway = f"{istio.NAMESPACE}/{istio.INGRESS_GATEWAY}"
            target = host if through_gateways else local
            outside = istio.virtual_service(
                service.ingress_hosts, gateway, target, service.port, shares, failover=failover
            )
            self._object(mesh, "VirtualService", "ingress", outside, "-ingress")

    def _of_networks(
        self, mesh: Mesh, workloads: Mapping[str, pulumi.Output[Workload]], exporters: Sequence[Mesh]
    ) -> pulumi.Output[istio.Spec]:
        """Return the ServiceEntry that a control plane gives to the gateways of its clusters.

        Each sees the Service of its own cluster, and the gateways of all other clusters.
        """
        service = self._service
        [identity] = {
            istio.principal(exporter.trust_domain, service.namespace, service.service_account) for exporter in exporters
        }

        def inside(exporter: Mesh) -> pulumi.Output[istio.ServiceEndpoint]:
            return workloads[exporter.name].apply(
                lambda at: istio.ServiceEndpoint(exporter.name, at.cluster_ip, service.port, exporter.role.network)
            )

        def outside(exporter: Mesh) -> pulumi.Output[istio.ServiceEndpoint]:
            network = single_mesh.outside(exporter.name)
            return exporter.gateway_address.apply(
                lambda address: istio.ServiceEndpoint(exporter.name, address, exporter.gateway_port, network)
            )

        own = [exporter for exporter in exporters if exporter.name in (mesh.name, *mesh.role.serves)]
        endpoints = pulumi.Output.all(*map(inside, own), *map(outside, exporters))
        return endpoints.apply(lambda found: istio.service_entry(self._global_name, service.port, found, [identity]))

    def _authorize(self, mesh: Mesh, own: pulumi.Output[Workload]) -> None:
        """Let the callers, and nobody else, reach the workload in one exporting mesh."""
        callers = self._callers()
        allowed = own.apply(lambda at: istio.callers_allowed(at.selector, at.port, callers))
        self._object(mesh, "AuthorizationPolicy", "callers", allowed, "-callers", self._service.namespace)
        # The mesh-wide policy admits all of the mesh's own; where only some may call, the rest is refused.
        if istio.any_principal(mesh.trust_domain) not in callers:
            denied = own.apply(lambda at: istio.others_denied(at.selector, at.port, callers))
            self._object(mesh, "AuthorizationPolicy", "others", denied, "-others", self._service.namespace)

    def _callers(self) -> list[str]:
        """Return the callers' principals; who opens a service to the world lets every mesh's gateway call it."""
        principals = []
        for caller in self._service.callers or []:
            mesh, _, identity = caller.partition("/")
            trust_domain = self._trust_domains[mesh]
            principals.append(f"{trust_domain}/{identity}" if identity else istio.any_principal(trust_domain))
        if self._service.ingress_hosts:
            for trust_domain in self._trust_domains.values():
                if istio.any_principal(trust_domain) not in principals:
                    principals.append(istio.principal(trust_domain, istio.NAMESPACE, istio.GATEWAY))
        return list(dict.fromkeys(principals))

    def _object(
        self,
        mesh: Mesh,
        kind: str,
        suffix: str,
        spec: pulumi.Input[Any],
        name_suffix: str = "",
        namespace: str = istio.NAMESPACE,
    ) -> None:
        name = f"{self._service.name}.{self._service.namespace}{name_suffix}"
        mesh.istio_object(f"{self._prefix}.{mesh.name}-{suffix}", kind, namespace, name, spec, self)
