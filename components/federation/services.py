"""All exported services of a stack: the clusters are asked what stands behind them, then each mesh gets its objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.federation.authorization import authorization, closed
from components.federation.availability import AvailableService, KnownCluster, available
from components.federation.callers import callers
from components.federation.chain import Chain, Entrance
from components.federation.cluster_objects import Key
from components.federation.exported_service import ExportedService
from components.federation.exposure import Exposure, changes, exposures
from components.federation.inventory import Inventory, UnreadableClusterError, inventory
from components.federation.members import Members
from components.federation.peers import PeerMesh
from components.federation.plan import PlannedObject, placed
from components.federation.routes import Exporter, Routes, connect_attempts, lost_meshes
from components.federation.service_objects import ServiceObjects, as_text
from components.federation.weights import percentages
from components.federation.workload import Workload
from components.istio import Spec
from components.mesh.mesh import Mesh


@dataclass(frozen=True)
class Exported:
    """Every service with its routes, for all meshes. A class, as the SDK looks into each item of a list."""

    services: Sequence[tuple[AvailableService, Routes, Chain]]


@dataclass(frozen=True)
class MadeHere:
    """A service that the stack itself runs: the Service in each mesh, and its workload, which is the same in all."""

    services: Mapping[str, pulumi.Resource]
    workload: Workload


class Federation:
    """The exported services, and their objects in every mesh that has a control plane.

    `services` are those that the clusters can export at the moment, `exposure` is who reaches them; what changes in
    it is said by every preview and update. An update changes nothing in a mesh whose cluster
    does not answer, and fails with UnreadableClusterError after it has updated the others.
    """

    services: pulumi.Output[Sequence[AvailableService]]
    exposure: pulumi.Output[Sequence[Exposure]]

    def __init__(self, members: Members, meshes: Mapping[str, Mesh], made_here: Mapping[str, MadeHere]) -> None:
        self._members, self._meshes, self._made_here = members, meshes, made_here
        self._domains = members.trust_domains
        self._all: Mapping[str, Mesh | PeerMesh] = {**meshes, **members.peers}
        self._asked: pulumi.Output[Any] = pulumi.Output.from_input(
            {
                name: inventory(name, mesh.cluster, namespaces, mesh.role.plane.root_namespace)
                for name, mesh in meshes.items()
                if (namespaces := self._to_ask(name))
            }
        )
        self._planes = {name: mesh.role.plane for name, mesh in meshes.items()}
        self._planes |= {name: peer.control_plane for name, peer in members.peers.items()}
        self._allowed = {one.global_name: callers(one, self._domains, self._planes) for one in members.services}
        last = members.last
        self._before, self._exposed = _exports(last), last.get("exposure", None if last else [])
        # Also while a cluster is not there yet: a preview shows what is likely.
        self.services = self._asked.apply(self._available, run_with_unknowns=True)
        self.exposure = self.services.apply(self._expose, run_with_unknowns=True)
        addresses = {name: member.gateway_address for name, member in self._all.items()}
        exported = pulumi.Output.all(self.services, pulumi.Output.from_input(addresses)).apply(
            lambda known: Exported(
                [(one, Routes(one, self._exporters(one, known[1])), self._chain(one, known[1])) for one in known[0]]
            )
        )
        self._objects, self._texts = dict[str, ServiceObjects](), _Texts()
        for name, mesh in meshes.items():
            if mesh.configured:
                self._objects[name] = self._make(mesh, exported)

    def _to_ask(self, mesh: str) -> set[str]:
        """Return the namespaces of the services that a mesh exports and this stack does not run."""
        return {
            service.namespace
            for service in self._members.services
            if mesh in service.weights and not self._runs(service, mesh)
        }

    def _runs(self, service: ExportedService, mesh: str) -> bool:
        made = self._made_here.get(service.short_name)
        return made is not None and mesh in made.services

    def _available(self, inventories: Any) -> Sequence[AvailableService]:
        # While a cluster is not there yet, the SDK has something else in place of its inventory, or of all of them.
        given = inventories if isinstance(inventories, dict) else {}
        known = {name: found for name, found in given.items() if isinstance(found, Inventory)}
        clusters = {
            name: KnownCluster(
                inventory=known.get(name),
                made_here={of: made.workload for of, made in self._made_here.items() if name in made.services},
                role=mesh.role,
                before=self._before.get(name, {}),
                init_containers=mesh.init_containers,
                assumed=pulumi.runtime.is_dry_run(),
            )
            for name, mesh in self._meshes.items()
        }
        services, notes = available(self._members.services, clusters, self._domains, self._planes)
        for note in notes:
            pulumi.log.warn(note)
        return services

    def _expose(self, services: Sequence[AvailableService]) -> Sequence[Exposure]:
        joined = [name for name, mesh in self._meshes.items() if not mesh.role.plane.installed]
        found = [
            one for service in services for one in exposures(service, self._admitting(service), self._domains, joined)
        ]
        if self._exposed is not None:  # a stack of an earlier version did not say
            for line in changes(self._exposed, found):
                pulumi.log.info(f"exposure: {line}")
        return found

    def _admitting(self, service: AvailableService) -> dict[str, list[PlannedObject]]:
        """Return a service's objects in every mesh that decide who may call it: not on the gateways' addresses."""
        exporters = self._exporters(service, dict.fromkeys(self._all, "")) if service.service.ingress_hosts else []
        routes, allowed = Routes(service, exporters), self._allowed[service.service.global_name]
        roles = {name: self._meshes[mesh.role.primary or name].role for name, mesh in self._meshes.items()}
        return {name: [*routes.in_mesh(role), *authorization(service, role, allowed)] for name, role in roles.items()}

    def _make(self, mesh: Mesh, exported: pulumi.Output[Exported]) -> ServiceObjects:
        made_here = [made.services[mesh.name] for made in self._made_here.values() if mesh.name in made.services]
        return ServiceObjects(
            f"{mesh.name}-services",
            mesh.name,
            mesh.cluster.identifier,
            mesh.cluster.kubeconfig,
            pulumi.Output.all(self._asked, exported).apply(lambda known: self._specs(mesh, *known)),
            skip_unreachable=mesh.cluster.skip_unreachable,
            opts=mesh.cluster.child_options(mesh, [mesh.control_plane, *made_here]),
        )

    def _exporters(self, service: AvailableService, addresses: Mapping[str, str]) -> list[Exporter]:
        shares = percentages(service.service.weights)
        members = {name: self._all[name] for name in shares}
        return [
            Exporter(name, shares[name], mesh.trust_domains, addresses[name], mesh.gateway_port)
            for name, mesh in members.items()
        ]

    def _chain(self, of: AvailableService, addresses: Mapping[str, str]) -> Chain:
        return Chain(of, {name: _entrance(of.service, self._all[name], addresses[name]) for name in of.service.weights})

    def _specs(self, mesh: Mesh, inventories: Mapping[str, Any], exported: Exported) -> Any:
        """Return the specs of a mesh's objects; for one that cannot be changed, what fails after the others are."""
        silent = {name for name, found in inventories.items() if found is None}
        if not pulumi.runtime.is_dry_run() and not silent.isdisjoint({mesh.name, *mesh.role.serves}):
            return self._fail_after_others(silent)
        planned = closed(mesh.role, [service for service, *_ in exported.services])
        planned += lost_meshes(self._members.services, mesh.role)
        planned += connect_attempts(service for service, *_ in exported.services)
        for service, routes, chain in exported.services:
            planned += (routed := routes.in_mesh(mesh.role))
            if not mesh.role.one_mesh:
                chain.check(mesh.name, routed)
            planned += authorization(service, mesh.role, self._allowed[service.service.global_name])
        placed_here = [placed(one, mesh.role.plane.root_namespace) for one in planned]
        named = {str(Key(one.kind, one.namespace, one.name)): one.spec for one in placed_here}
        return {name: self._texts.of(name, spec) for name, spec in named.items()}

    def _fail_after_others(self, silent: set[str]) -> pulumi.Output[Any]:
        def fail(_: Any) -> None:
            raise UnreadableClusterError(
                f"no cluster answers for {', '.join(sorted(silent))}, so what services have there is as it was; in "
                "all other meshes it is up to date. Bring the cluster back, or take the mesh out of the "
                "configuration, and run `pulumi up` again"
            )

        others = [
            objects.urn
            for name, objects in self._objects.items()
            if silent.isdisjoint({name, *self._meshes[name].role.serves})
        ]
        return pulumi.Output.all(*others).apply(fail)


class _Texts:
    """Specs as text. Most are the same in every mesh, and to compare is faster than to render once more."""

    def __init__(self) -> None:
        self._last = dict[str, tuple[Spec, str]]()

    def of(self, name: str, spec: Spec) -> str:
        """Return the text of the object `name`."""
        if name not in self._last or self._last[name][0] != spec:
            self._last[name] = spec, as_text(spec)
        return self._last[name][1]


def _entrance(service: ExportedService, mesh: Mesh | PeerMesh, address: str) -> Entrance:
    """Return how others enter a mesh for a service, by what its gateway forwards, or its stack says to export."""
    if isinstance(mesh, Mesh):
        domain = mesh.role.plane.cluster_domain
        return Entrance(address, mesh.gateway_port, mesh.exports, mesh.trust_domains, domain)
    hosts = [service.local_host] if service.global_name in mesh.exports else []
    return Entrance(address, mesh.gateway_port, hosts, mesh.trust_domains)


def _exports(outputs: Mapping[str, Any]) -> dict[str, dict[str, dict[int, Any]]]:
    """Return the protocols that each mesh exported at the last update, by global name and port."""
    return {
        mesh: {
            name: {int(number): protocol for number, protocol in export["ports"].items()}
            for name, export in about["exports"].items()
        }
        for mesh, about in outputs.get("meshes", {}).items()
    }
