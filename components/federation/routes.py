"""The Istio objects that route the callers in one mesh to an exported service, for each topology.

Pure functions: no engine, no cluster. Specs are given the addresses that are not known yet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components import envoy, istio, routing
from components.federation import priority
from components.federation.availability import AvailableService
from components.federation.plan import PlannedObject, planned
from components.mesh import single_mesh
from components.mesh.roles import Role
from components.routing import Endpoint, Requests, Split


@dataclass(frozen=True)
class Exporter:
    """A mesh that receives requests for the service, and its share in percent (all shares sum to 100)."""

    mesh: str
    share: int
    trust_domains: Sequence[str]
    gateway_address: str
    gateway_port: int


def routes(available: AvailableService, role: Role, exporters: Sequence[Exporter]) -> list[PlannedObject]:
    """Return the objects through which a mesh's callers reach every exporter; none if there is no exporter."""
    if not exporters:
        return []
    objects = _Routes(available, role, exporters)
    if not role.one_mesh:
        return objects.between_meshes()
    return objects.through_gateways() if role.network is not None else objects.on_one_network()


def connect_attempts(services: Iterable[AvailableService]) -> list[PlannedObject]:
    """Return the EnvoyFilter that tries a mesh's new connections to any service elsewhere; none without TCP ports."""
    ports = {port.number: port for one in services if one.service.weights for port in one.ports if not port.is_http}
    if not ports:
        return []
    spec = envoy.connect_attempts([ports[number] for number in sorted(ports)])
    return [PlannedObject("EnvoyFilter", istio.NAMESPACE, "connect-attempts", spec)]


class _Routes:
    """The objects of one service in one mesh."""

    def __init__(self, available: AvailableService, role: Role, exporters: Sequence[Exporter]) -> None:
        self._available, self._role, self._exporters = available, role, exporters
        self._service = service = available.service
        shares = {exporter.mesh: exporter.share for exporter in exporters}
        self._split = priority.split(service, shares)
        self._own_split = priority.own_name_split(service, shares)
        self._requests = Requests(service.timeout, service.retries)

    def between_meshes(self) -> list[PlannedObject]:
        """Return the routes from one mesh to its own workload and to the gateways of the others."""
        service, here = self._service, self._role.cluster
        by_mesh = {exporter.mesh: exporter for exporter in self._exporters}
        first, *later = [[by_mesh[mesh] for mesh in tier] for tier in priority.tiers(service, here, list(by_mesh))]
        split = self._split if not later else Split()

        def endpoints(tier: Sequence[Exporter]) -> list[Endpoint]:
            return [self._local(exporter) if exporter.mesh == here else self._remote(exporter) for exporter in tier]

        # Only where the service runs, the short name certainly means it; elsewhere another Service may have that name.
        workload = self._available.workloads.get(here)
        short = [service.local_host] if workload and workload.short_name else []
        return [
            self._service_entry(endpoints(first)),
            *self._standby([endpoints(tier) for tier in later]),
            self._global_rule(split),
            self._inside([*short, service.global_name], service.global_name, split),
            *self._ingress(service.global_name, split),
        ]

    def through_gateways(self) -> list[PlannedObject]:
        """Return the routes from one cluster of a single mesh whose clusters reach each other through gateways.

        Pods find each other by the Service's own name. A gateway does not see the pods of other networks, so requests
        from outside go, by the global name, to the Service in its own cluster and to the gateways of the other
        clusters. Each gateway sees the Service of its own cluster and the gateways of all others, by the endpoints'
        networks.
        """
        service = self._service
        inside = [exporter for exporter in self._exporters if exporter.mesh in (self._role.cluster, *self._role.serves)]
        # A cluster's network has the cluster's name.
        endpoints = [self._local(exporter, exporter.mesh) for exporter in inside]
        endpoints += [self._remote(exporter, single_mesh.outside(exporter.mesh)) for exporter in self._exporters]
        return [
            self._global_rule(self._split),
            self._service_entry(endpoints),
            self._own_name_rule(),
            self._inside([service.local_host, service.global_name], service.local_host, self._own_split),
            *self._ingress(service.global_name, self._split),
        ]

    def on_one_network(self) -> list[PlannedObject]:
        """Return the routes from one cluster of a single mesh on a flat network: pods reach each other directly."""
        service = self._service
        alias = routing.alias(service.global_name, self._available.ports)
        return [
            planned(service, "ServiceEntry", alias),
            self._own_name_rule(),
            self._inside([service.local_host, service.global_name], service.local_host, self._own_split),
            *self._ingress(service.local_host, self._own_split),
        ]

    def _local(self, exporter: Exporter, network: str | None = None) -> Endpoint:
        """Return the endpoint of the mesh's own workload: the name of its Service, whose cluster IP may change."""
        workload, service = self._available.workloads[exporter.mesh], self._service
        ports = {number: workload.targets[number][0] if workload.headless else number for number in service.ports}
        return self._endpoint(exporter, service.local_host, ports, network)

    def _remote(self, exporter: Exporter, network: str | None = None) -> Endpoint:
        ports = dict.fromkeys(self._service.ports, exporter.gateway_port)
        return self._endpoint(exporter, exporter.gateway_address, ports, network)

    def _endpoint(self, exporter: Exporter, address: str, ports: Mapping[int, int], network: str | None) -> Endpoint:
        return Endpoint(exporter.mesh, address, ports, network, exporter.share)

    def _service_entry(self, endpoints: Sequence[Endpoint]) -> PlannedObject:
        service = self._service
        # All clusters of a single mesh share one trust domain and one service account.
        identities = list(
            dict.fromkeys(
                istio.principal(trust_domain, service.namespace, service.account_in(exporter.mesh))
                for exporter in self._exporters
                for trust_domain in sorted(exporter.trust_domains)
            )
        )
        spec = routing.service_entry(service.global_name, self._available.ports, endpoints, identities)
        return planned(service, "ServiceEntry", spec)

    def _standby(self, later: Sequence[Sequence[Endpoint]]) -> list[PlannedObject]:
        """Return the EnvoyFilter with the meshes that take over in an order; none if no mesh is before another."""
        if not later:
            return []
        spec = envoy.standby(self._service.global_name, self._available.ports, later)
        return [planned(self._service, "EnvoyFilter", spec, "standby")]

    def _global_rule(self, split: Split) -> PlannedObject:
        """Return the DestinationRule of the global name."""
        service, ports = self._service, self._available.ports
        rule = routing.destination_rule(service.global_name, ports, service.local_host, split)
        return planned(service, "DestinationRule", rule)

    def _own_name_rule(self) -> PlannedObject:
        """Return the DestinationRule of the name that the Service has in every cluster of a single mesh."""
        rule = routing.own_name_rule(
            self._service.local_host, self._available.ports, self._own_split, single_mesh.CLUSTER_LABEL
        )
        return planned(self._service, "DestinationRule", rule, "own-name")

    def _inside(self, hosts: Sequence[str], target: str, split: Split) -> PlannedObject:
        """Return the VirtualService that routes requests of the mesh's workloads for `hosts` to `target`."""
        spec = routing.virtual_service(hosts, target, self._available.ports, split, self._requests)
        return planned(self._service, "VirtualService", spec)

    def _ingress(self, target: str, split: Split) -> list[PlannedObject]:
        """Return the VirtualService that routes requests from outside to `target`; none without ingress hosts."""
        http = [port for port in self._available.ports if port.is_http]
        if not self._service.ingress_hosts or not http:
            return []
        gateway = f"{istio.NAMESPACE}/{istio.INGRESS_GATEWAY}"
        spec = routing.ingress_route(self._service.ingress_hosts, gateway, target, http[0], split, self._requests)
        return [planned(self._service, "VirtualService", spec, "ingress")]
