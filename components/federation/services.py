"""All exported services of a stack: the clusters are asked what stands behind them, then each is federated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.federation.availability import AvailableService, KnownCluster, available
from components.federation.exported_service import ExportedService
from components.federation.inventory import inventory
from components.federation.members import Members
from components.federation.service import FederatedService
from components.federation.workload import Workload
from components.mesh.mesh import Mesh


@dataclass(frozen=True)
class MadeHere:
    """A service that the stack itself runs: the Service in each mesh, and its workload, which is the same in all."""

    services: Mapping[str, pulumi.Resource]
    workload: Workload


def federate(
    members: Members, meshes: Mapping[str, Mesh], made_here: Mapping[str, MadeHere]
) -> pulumi.Output[Sequence[AvailableService]]:
    """Register every exported service, and return them; only the clusters can tell what stands behind most of them.

    What is registered depends on the answer, so it happens within `apply`. While a cluster is not there yet, a preview
    registers what is likely. `made_here` is by `<name>.<namespace>`.
    """
    asked = pulumi.Output.all(
        **{
            name: inventory(name, mesh.cluster, namespaces)
            for name, mesh in meshes.items()
            if (namespaces := _to_ask(members.services, name, made_here))
        }
    )

    def register(inventories: Any) -> Sequence[AvailableService]:
        known = inventories if isinstance(inventories, dict) else {}
        clusters = {
            name: KnownCluster(known.get(name), _workloads(made_here, name), mesh.role) for name, mesh in meshes.items()
        }
        services, notes = available(members.services, clusters, members.trust_domains)
        for note in notes:
            pulumi.log.warn(note)
        for service in services:
            name = service.service.short_name
            all_made = all(_runs(made_here, name, mesh) for mesh in service.workloads)
            FederatedService(
                name,
                {
                    "available": service,
                    "meshes": meshes,
                    "peers": members.peers,
                    "trust_domains": members.trust_domains,
                    "asked": pulumi.Output.from_input(None) if all_made else asked,
                    "made_here": made_here[name].services if name in made_here else {},
                },
            )
        return services

    return asked.apply(register, run_with_unknowns=True)


def _to_ask(services: Sequence[ExportedService], mesh: str, made_here: Mapping[str, MadeHere]) -> set[str]:
    """Return the namespaces of the services that a mesh exports and this stack does not run."""
    return {
        service.namespace
        for service in services
        if mesh in service.weights and not _runs(made_here, service.short_name, mesh)
    }


def _workloads(made_here: Mapping[str, MadeHere], mesh: str) -> dict[str, Workload]:
    return {name: made.workload for name, made in made_here.items() if mesh in made.services}


def _runs(made_here: Mapping[str, MadeHere], service: str, mesh: str) -> bool:
    return service in made_here and mesh in made_here[service].services
