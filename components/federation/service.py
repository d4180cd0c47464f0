"""The component of one exported service: a global name in all meshes, with weights and callers."""

from collections.abc import Mapping, Sequence, Set
from typing import Any, TypedDict

import pulumi

from components import istio
from components.federation.authorization import authorization
from components.federation.availability import AvailableService
from components.federation.peers import PeerMesh
from components.federation.plan import PlannedObject
from components.federation.routes import Exporter, routes
from components.federation.weights import percentages
from components.mesh.mesh import Mesh


class FederatedServiceArgs(TypedDict):
    """The arguments of a federated service."""

    available: AvailableService
    meshes: Mapping[str, Mesh]
    """Every mesh of the stack."""
    peers: Mapping[str, PeerMesh]
    """Every mesh of other stacks; this stack creates no objects in them."""
    trust_domains: Mapping[str, str]
    """The trust domain of every mesh that may call, by mesh."""
    asked: pulumi.Output[Any]
    """Known once the clusters have told what stands behind the service."""
    made_here: Mapping[str, pulumi.Resource]
    """The Service in each mesh where this stack creates it, and with it the namespace."""
    silent: Set[str]
    """The meshes whose clusters do not answer an update: nothing is registered in them, nor what depends on them."""


class FederatedService(pulumi.ComponentResource):
    """A service that answers under its global name in every mesh, and under its short name where it runs."""

    def __init__(self, name: str, args: FederatedServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        available, meshes = args["available"], args["meshes"]
        super().__init__("multimesh:index:FederatedService", name, _inputs(available), opts)
        self._prefix, self._asked, self._made_here = name, args["asked"], args["made_here"]
        self._members: Mapping[str, Mesh | PeerMesh] = {**meshes, **args["peers"]}
        exporters = [self._exporter(mesh, share) for mesh, share in percentages(available.service.weights).items()]
        self.objects = [
            self._make(mesh, planned)
            for mesh in meshes.values()
            if mesh.configured and mesh.name not in args["silent"]
            for planned in self._planned(mesh, args, exporters)
        ]
        self.register_outputs({})

    def _planned(self, mesh: Mesh, args: FederatedServiceArgs, exporters: Sequence[Exporter]) -> list[PlannedObject]:
        planned = routes(args["available"], mesh.role, exporters)
        if args["silent"].isdisjoint(mesh.role.serves):
            planned += authorization(args["available"], mesh.role, args["trust_domains"])
        return planned

    def _exporter(self, name: str, share: int) -> Exporter:
        mesh = self._members[name]
        return Exporter(name, share, mesh.trust_domain, mesh.gateway_port)

    def _make(self, mesh: Mesh, planned: PlannedObject) -> pulumi.Resource:
        """Register one object in a mesh; it depends only on what its spec is given."""
        addresses = {name: self._members[name].gateway_address for name in planned.gateways}
        known = pulumi.Output.all(self._asked, pulumi.Output.from_input(addresses))
        spec = known.apply(lambda known: planned.spec(known[1]))
        resource_name = f"{self._prefix}.{mesh.name}-{planned.suffix}"
        after = [] if planned.namespace == istio.NAMESPACE else [*filter(None, [self._made_here.get(mesh.name)])]
        return mesh.istio_object(resource_name, planned.kind, planned.namespace, planned.name, spec, self, after)


def _inputs(available: AvailableService) -> dict[str, object]:
    """Return the component's inputs. The state stores them: another key would show as a change of every service."""
    service = available.service
    return {
        "suffix": service.suffix,
        "name": service.name,
        "namespace": service.namespace,
        "ports": {str(port.number): port.protocol for port in available.ports},
        "meshes": service.weights,
        "callers": service.callers,
        "service_account": service.service_account,
        "ingress_hosts": service.ingress_hosts,
        "split": service.split,
    }
