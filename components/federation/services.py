"""All exported services of a stack: the clusters are asked what stands behind them, then each is federated."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import pulumi

from components.federation.availability import AvailableService, KnownCluster, available
from components.federation.exported_service import ExportedService
from components.federation.inventory import UnreadableClusterError, inventory
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
    registers what is likely. An update leaves alone what is in a cluster that does not answer, and fails after the rest
    with UnreadableClusterError. `made_here` is by `<name>.<namespace>`.
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
        silent = set[str]() if pulumi.runtime.is_dry_run() else {name for name, found in known.items() if not found}
        objects = list[pulumi.Resource]()
        for service in services:
            name = service.service.short_name
            if not _is_told(service):
                continue
            all_made = all(_runs(made_here, name, mesh) for mesh in service.workloads)
            made = FederatedService(
                name,
                {
                    "available": service,
                    "meshes": meshes,
                    "peers": members.peers,
                    "trust_domains": members.trust_domains,
                    "asked": pulumi.Output.from_input(None) if all_made else asked,
                    "made_here": made_here[name].services if name in made_here else {},
                    "silent": silent,
                },
            )
            objects += made.objects
        if silent:
            _fail_after(objects, silent)
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


def _is_told(available: AvailableService) -> bool:
    """Return whether the protocol of each port is known, rather than assumed: a preview may assume it."""
    known = [workload.protocols for workload in available.workloads.values() if not workload.assumed]
    known += available.service.peer_ports.values()
    told = {number for protocols in known for number in protocols}
    return pulumi.runtime.is_dry_run() or all(
        said or number in told for number, said in available.service.ports.items()
    )


def _fail_after(objects: Sequence[pulumi.Resource], silent: Set[str]) -> None:
    """Let the update fail once the objects are there: a program that succeeds would delete what it left alone."""

    def fail(_: Any) -> None:
        raise UnreadableClusterError(
            f"no cluster answers for {', '.join(sorted(silent))}, so what services have there is as it was; in all "
            "other meshes it is up to date. Bring the cluster back, or take the mesh out of the configuration, and "
            "run `pulumi up` again"
        )

    pulumi.Output.all(*(one.urn for one in objects)).apply(fail)
