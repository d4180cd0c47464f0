"""The component of one exported service: a global name in all meshes, with weights and callers."""

from collections.abc import Mapping
from typing import TypedDict

import pulumi

from components.federation.authorization import authorization
from components.federation.exported_service import ExportedService
from components.federation.peers import PeerMesh
from components.federation.plan import PlannedObject, Resolved
from components.federation.routes import Exporter, routes
from components.federation.weights import percentages
from components.federation.workload import Workload, workload
from components.mesh.mesh import Mesh
from components.objects import KubernetesObject, find


class FederatedServiceArgs(TypedDict):
    """The arguments of a federated service."""

    service: ExportedService
    meshes: Mapping[str, Mesh]
    """Every mesh of the stack."""
    peers: Mapping[str, PeerMesh]
    """Every mesh of other stacks; this stack creates no objects in them."""
    trust_domains: Mapping[str, str]
    """The trust domain of every mesh that may call, by mesh."""
    made_here: Mapping[str, KubernetesObject]
    """The Service in each mesh where this stack creates it; in other meshes it must exist already."""


class FederatedService(pulumi.ComponentResource):
    """A service that answers under its global name in every mesh, and under its short name where it runs."""

    def __init__(self, name: str, args: FederatedServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        service, meshes = args["service"], args["meshes"]
        super().__init__("multimesh:index:FederatedService", name, _inputs(service), opts)
        self._prefix, self._service = name, service
        self._members: Mapping[str, Mesh | PeerMesh] = {**meshes, **args["peers"]}
        self._workloads = {
            mesh.name: self._workload(mesh, args["made_here"].get(mesh.name))
            for mesh in meshes.values()
            if mesh.name in service.weights
        }
        exporters = [self._exporter(mesh, share) for mesh, share in percentages(service.weights).items()]
        for mesh in [mesh for mesh in meshes.values() if mesh.configured]:
            policies = authorization(service, mesh.role, args["trust_domains"])
            for planned in [*routes(service, mesh.role, exporters), *policies]:
                self._make(mesh, planned)
        self.register_outputs({})

    def _workload(self, mesh: Mesh, made_here: KubernetesObject | None) -> pulumi.Output[Workload]:
        """Return the workload behind the Service in one mesh."""
        service = self._service
        found = made_here or find(
            f"{self._prefix}.{mesh.name}",
            "v1",
            "Service",
            f"{service.namespace}/{service.name}",
            opts=pulumi.ResourceOptions(parent=self, provider=mesh.cluster.provider),
        )
        return found.spec.apply(lambda spec: workload(spec, service, mesh.name))

    def _exporter(self, name: str, share: int) -> Exporter:
        mesh = self._members[name]
        return Exporter(name, share, mesh.trust_domain, mesh.gateway_port)

    def _make(self, mesh: Mesh, planned: PlannedObject) -> None:
        """Register one object in a mesh; it depends only on what its spec reads."""
        spec = pulumi.Output.all(
            gateways={name: self._members[name].gateway_address for name in planned.gateways},
            workloads={name: self._workloads[name] for name in planned.workloads},
        ).apply(lambda found: planned.spec(Resolved(**found)))
        resource_name = f"{self._prefix}.{mesh.name}-{planned.suffix}"
        mesh.istio_object(resource_name, planned.kind, planned.namespace, planned.name, spec, self)


def _inputs(service: ExportedService) -> dict[str, object]:
    """Return the component's inputs. The state stores them: another key would show as a change of every service."""
    return {
        "suffix": service.suffix,
        "name": service.name,
        "namespace": service.namespace,
        "port": service.port,
        "meshes": service.weights,
        "callers": service.callers,
        "service_account": service.service_account,
        "ingress_hosts": service.ingress_hosts,
        "split": service.split,
    }
