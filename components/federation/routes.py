"""The Istio objects that route the callers in one mesh to an exported service, for each topology.

Pure functions: no engine, no cluster. Specs read addresses that are not known yet from `Resolved`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from components import istio
from components.federation.exported_service import ExportedService
from components.federation.plan import PlannedObject, Resolved, fixed, object_name
from components.istio import ServiceEndpoint
from components.mesh import single_mesh
from components.mesh.roles import Role


@dataclass(frozen=True)
class Exporter:
    """A mesh that receives requests for the service, and its share in percent (all shares sum to 100)."""

    mesh: str
    share: int
    trust_domain: str
    gateway_port: int


def routes(service: ExportedService, role: Role, exporters: Sequence[Exporter]) -> list[PlannedObject]:
    """Return the objects through which a mesh's callers reach every exporter; none if there is no exporter."""
    if not exporters:
        return []
    if not role.one_mesh:
        return _between_meshes(service, role, exporters)
    if role.network is not None:
        return _through_gateways(service, role, exporters)
    return _on_one_network(service, exporters)


def _between_meshes(service: ExportedService, role: Role, exporters: Sequence[Exporter]) -> list[PlannedObject]:
    """Return the routes from one mesh to its own workload and to the gateways of the others."""
    gateways = [exporter.mesh for exporter in exporters if exporter.mesh != role.cluster]
    workloads = [exporter.mesh for exporter in exporters if exporter.mesh == role.cluster]

    def entry(at: Resolved) -> istio.Spec:
        endpoints = [
            ServiceEndpoint(exporter.mesh, at.workloads[exporter.mesh].cluster_ip, service.port)
            if exporter.mesh == role.cluster
            else ServiceEndpoint(exporter.mesh, at.gateways[exporter.mesh], exporter.gateway_port)
            for exporter in exporters
        ]
        return istio.service_entry(service.global_name, service.port, endpoints, _identities(service, exporters))

    # Only where the service runs, the short name certainly means it; elsewhere another Service may have that name.
    hosts = [service.local_host, service.global_name] if role.cluster in service.weights else [service.global_name]
    return [
        _service_entry(service, entry, gateways, workloads),
        _global_rule(service, exporters),
        _inside(service, hosts, service.global_name, exporters),
        *_ingress(service, service.global_name, exporters),
    ]


def _through_gateways(service: ExportedService, role: Role, exporters: Sequence[Exporter]) -> list[PlannedObject]:
    """Return the routes from one cluster of a single mesh whose clusters reach each other through gateways.

    Pods find each other by the Service's own name. A gateway does not see the pods of other networks, so requests from
    outside go, by the global name, to the Service in its own cluster and to the gateways of the other clusters.
    Each gateway sees the Service of its own cluster and the gateways of all others, by the endpoints' networks.
    """
    inside = [exporter for exporter in exporters if exporter.mesh in (role.cluster, *role.serves)]

    def entry(at: Resolved) -> istio.Spec:
        endpoints = [
            # A cluster's network has the cluster's name.
            ServiceEndpoint(exporter.mesh, at.workloads[exporter.mesh].cluster_ip, service.port, exporter.mesh)
            for exporter in inside
        ] + [
            ServiceEndpoint(
                exporter.mesh, at.gateways[exporter.mesh], exporter.gateway_port, single_mesh.outside(exporter.mesh)
            )
            for exporter in exporters
        ]
        # All clusters of a single mesh share one trust domain and one service account.
        [identity] = set(_identities(service, exporters))
        return istio.service_entry(service.global_name, service.port, endpoints, [identity])

    gateways = [exporter.mesh for exporter in exporters]
    workloads = [exporter.mesh for exporter in inside]
    return [
        _global_rule(service, exporters),
        _service_entry(service, entry, gateways, workloads),
        _own_name_rule(service, exporters),
        _inside(service, [service.local_host, service.global_name], service.local_host, exporters),
        *_ingress(service, service.global_name, exporters),
    ]


def _on_one_network(service: ExportedService, exporters: Sequence[Exporter]) -> list[PlannedObject]:
    """Return the routes from one cluster of a single mesh on a flat network: pods reach each other directly."""
    alias = single_mesh.alias(service.global_name, service.port)
    return [
        _service_entry(service, lambda _resolved: alias),
        _own_name_rule(service, exporters),
        _inside(service, [service.local_host, service.global_name], service.local_host, exporters),
        *_ingress(service, service.local_host, exporters),
    ]


def _service_entry(
    service: ExportedService,
    spec: Callable[[Resolved], istio.Spec],
    gateways: Sequence[str] = (),
    workloads: Sequence[str] = (),
) -> PlannedObject:
    name = object_name(service)
    return PlannedObject("ServiceEntry", "service-entry", istio.NAMESPACE, name, spec, gateways, workloads)


def _global_rule(service: ExportedService, exporters: Sequence[Exporter]) -> PlannedObject:
    """Return the DestinationRule of the global name."""
    rule = istio.destination_rule(
        service.global_name, service.port, service.local_host, _shares(exporters), failover=service.failover
    )
    return fixed(service, "DestinationRule", "destination-rule", rule)


def _own_name_rule(service: ExportedService, exporters: Sequence[Exporter]) -> PlannedObject:
    """Return the DestinationRule of the name that the Service has in every cluster of a single mesh."""
    rule = single_mesh.destination_rule(service.local_host, service.port, _shares(exporters), failover=service.failover)
    return fixed(service, "DestinationRule", "own-name-rule", rule, "-own-name")


def _inside(
    service: ExportedService, hosts: Sequence[str], target: str, exporters: Sequence[Exporter]
) -> PlannedObject:
    """Return the VirtualService that routes requests of the mesh's workloads for `hosts` to `target`."""
    spec = istio.virtual_service(hosts, "mesh", target, service.port, _shares(exporters), failover=service.failover)
    return fixed(service, "VirtualService", "virtual-service", spec)


def _ingress(service: ExportedService, target: str, exporters: Sequence[Exporter]) -> list[PlannedObject]:
    """Return the VirtualService that routes requests from outside to `target`; none without ingress hosts."""
    if not service.ingress_hosts:
        return []
    gateway = f"{istio.NAMESPACE}/{istio.INGRESS_GATEWAY}"
    spec = istio.virtual_service(
        service.ingress_hosts, gateway, target, service.port, _shares(exporters), failover=service.failover
    )
    return [fixed(service, "VirtualService", "ingress", spec, "-ingress")]


def _identities(service: ExportedService, exporters: Sequence[Exporter]) -> list[str]:
    return [
        istio.principal(exporter.trust_domain, service.namespace, service.account_in(exporter.mesh))
        for exporter in exporters
    ]


def _shares(exporters: Sequence[Exporter]) -> dict[str, int]:
    return {exporter.mesh: exporter.share for exporter in exporters}
