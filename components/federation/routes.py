"""The Istio objects that route the callers in one mesh to an exported service, for each topology.

Pure functions: no engine, no cluster. Specs are given the addresses that are not known yet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from components import envoy, istio, routing
from components.federation import priority
from components.federation.availability import AvailableService
from components.federation.exported_service import ExportedService
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


def connect_attempts(services: Iterable[AvailableService]) -> list[PlannedObject]:
    """Return the EnvoyFilter that tries a mesh's new connections to any service elsewhere; none without TCP ports."""
    ports = {port.number: port for one in services if one.service.weights for port in one.ports if not port.is_http}
    if not ports:
        return []
    spec = envoy.connect_attempts([ports[number] for number in sorted(ports)])
    return [PlannedObject("EnvoyFilter", istio.NAMESPACE, "connect-attempts", spec)]


def lost_meshes(services: Iterable[ExportedService], role: Role) -> list[PlannedObject]:
    """Return the EnvoyFilter by which a mesh notices that another one is lost; none without services."""
    names = [(one.global_name, one.local_host) if role.one_mesh else (one.global_name,) for one in services]
    hosts = [host for of_one in names for host in of_one]
    if not hosts:
        return []
    return [PlannedObject("EnvoyFilter", istio.NAMESPACE, "lost-meshes", envoy.lost_peers(hosts))]


class Routes:
    """The objects of one service in any mesh. What is the same in all meshes is made once: there may be many."""

    def __init__(self, available: AvailableService, exporters: Sequence[Exporter]) -> None:
        self._available, self._exporters = available, exporters
        self._service = service = available.service
        shares = {exporter.mesh: exporter.share for exporter in exporters}
        self._split = priority.split(service, shares)
        self._own_split = priority.own_name_split(service, shares)
        self._requests = Requests(service.timeout, service.retries)

    def in_mesh(self, role: Role) -> list[PlannedObject]:
        """Return the objects through which a mesh's callers reach every exporter; none if there is no exporter."""
        if not self._exporters:
            return []
        if not role.one_mesh:
            return self._between_meshes(role.cluster, self._service.host_in(role.plane.cluster_domain))
        return self._through_gateways(role) if role.network is not None else self._on_one_network()

    def _between_meshes(self, here: str, host: str) -> list[PlannedObject]:
        """Return the routes from one mesh to its own workload, called `host` there, and to the gateways of others."""
        service = self._service
        first, *later = priority.tiers(service, here, list(self._remote))
        split = self._split if not later else Split()
        own = {here: self._local(here, host)} if here in self._remote else {}
        endpoints, entries = self._remote | own, self._entries | {mesh: self._entry(one) for mesh, one in own.items()}

        # Only where the service runs, the short name certainly means it; elsewhere another Service may have that name.
        workload = self._available.workloads.get(here)
        short = [host] if workload and workload.short_name else []
        return [
            self._service_entry([entries[mesh] for mesh in first]),
            *self._standby([[endpoints[mesh] for mesh in tier] for tier in later]),
            self._global_rule(split),
            self._inside([*short, service.global_name], service.global_name, split),
            *self._ingress(service.global_name, split),
            *(self._asked_for(here, host) if workload and host != service.local_host else []),
        ]

    def _through_gateways(self, role: Role) -> list[PlannedObject]:
        """Return the routes from one cluster of a single mesh whose clusters reach each other through gateways.

        Pods find each other by the Service's own name. A gateway does not see the pods of other networks, so requests
        from outside go, by the global name, to the Service in its own cluster and to the gateways of the other
        clusters. Each gateway sees the Service of its own cluster and the gateways of all others, by the endpoints'
        networks.
        """
        service = self._service
        inside = [mesh for mesh in self._remote if mesh in (role.cluster, *role.serves)]
        # A cluster's network has the cluster's name.
        endpoints = [replace(self._local(mesh, service.local_host), network=mesh) for mesh in inside]
        endpoints += [replace(remote, network=single_mesh.outside(mesh)) for mesh, remote in self._remote.items()]
        return [
            self._global_rule(self._split),
            self._service_entry([self._entry(endpoint) for endpoint in endpoints]),
            self._own_name_rule(),
            self._inside([service.local_host, service.global_name], service.local_host, self._own_split),
            *self._ingress(service.global_name, self._split),
        ]

    def _on_one_network(self) -> list[PlannedObject]:
        """Return the routes from one cluster of a single mesh on a flat network: pods reach each other directly."""
        service = self._service
        alias = routing.alias(service.global_name, self._available.ports)
        return [
            planned(service, "ServiceEntry", alias),
            self._own_name_rule(),
            self._inside([service.local_host, service.global_name], service.local_host, self._own_split),
            *self._ingress(service.local_host, self._own_split),
        ]

    @cached_property
    def _remote(self) -> dict[str, Endpoint]:
        """The endpoint of every exporter as the others see it: its gateway."""
        return {
            exporter.mesh: Endpoint(
                exporter.mesh,
                exporter.gateway_address,
                dict.fromkeys(self._service.ports, exporter.gateway_port),
                share=exporter.share,
            )
            for exporter in self._exporters
        }

    def _local(self, mesh: str, host: str) -> Endpoint:
        """Return the endpoint of the mesh's own workload: the name of its Service, whose cluster IP may change.

        It ends with a dot: without, every proxy asks for it, again and again, in each search domain of its pod first.
        """
        return replace(self._remote[mesh], address=f"{host}.", ports=self._own_ports(mesh))

    def _own_ports(self, mesh: str) -> dict[int, int]:
        """Return where each port of the service is at the name of the mesh's own Service."""
        workload = self._available.workloads[mesh]
        return {number: workload.targets[number][0] if workload.headless else number for number in self._service.ports}

    @cached_property
    def _identities(self) -> list[str]:
        """The principals of the workloads that may answer, each once: a single mesh has one for all its clusters."""
        service = self._service
        principals = (
            istio.principal(trust_domain, service.namespace, service.account_in(exporter.mesh))
            for exporter in self._exporters
            for trust_domain in sorted(exporter.trust_domains)
        )
        return list(dict.fromkeys(principals))

    @cached_property
    def _entries(self) -> dict[str, istio.Spec]:
        """The remote endpoints as ServiceEntries have them."""
        return {mesh: self._entry(endpoint) for mesh, endpoint in self._remote.items()}

    def _entry(self, endpoint: Endpoint) -> istio.Spec:
        return routing.workload_entry(endpoint, self._available.ports)

    def _service_entry(self, entries: Sequence[istio.Spec]) -> PlannedObject:
        service = self._service
        spec = routing.service_entry(service.global_name, self._available.ports, entries, self._identities)
        return planned(service, "ServiceEntry", spec)

    def _asked_for(self, mesh: str, host: str) -> list[PlannedObject]:
        """Return the ServiceEntry by which the gateway of a mesh with another domain finds what peers ask for."""
        entry = self._entry(Endpoint(mesh, f"{host}.", self._own_ports(mesh)))
        spec = routing.asked_for(self._service.local_host, self._available.ports, entry)
        return [planned(self._service, "ServiceEntry", spec, "asked-for")]

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
