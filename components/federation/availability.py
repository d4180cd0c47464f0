"""Which meshes can export which services at the moment, by what is in their clusters. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import pulumi

from components.federation import hindrances, restrictions
from components.federation.callers import NONE, callers
from components.federation.exported_service import ExportedService
from components.federation.inventory import Inventory
from components.federation.policies import named
from components.federation.shared_ports import share, shared_ports
from components.federation.workload import (
    NotExportedError,
    UnusableServiceError,
    Workload,
    assumed,
    workload,
)
from components.istio import INGRESS_PORT, ISTIOD_TLS_PORTS, any_principal
from components.mesh.roles import Role
from components.ports import Port, Protocol
from components.schema.problems import ABSENT, problem
from multimesh.control_plane import ControlPlane

Workloads = dict[str, Workload]
TrustDomains = Mapping[str, Sequence[str]]


class UnusableServicesError(pulumi.RunError):
    """Services cannot be exported as configured; the message lists every mistake."""


@dataclass(frozen=True)
class AvailableService:
    """A service as it can be reached: `service.weights` has only meshes that export it.

    `ports` are those that all of them export. `workloads` are by mesh of this stack; `guarded` are those that are not
    exported at the moment, and that nobody but the callers may reach all the same.
    """

    service: ExportedService
    ports: Sequence[Port]
    workloads: Mapping[str, Workload]
    guarded: Mapping[str, Workload] = field(default_factory=dict)


@dataclass(frozen=True)
class KnownCluster:
    """What is known of a mesh's cluster: its inventory (None if it does not answer), and the workloads made here."""

    inventory: Inventory | None
    made_here: Mapping[str, Workload]
    """By `<name>.<namespace>` of a service that this stack itself runs."""
    role: Role
    before: Mapping[str, Mapping[int, Protocol]] = field(default_factory=dict)
    """The protocols that it exported at the last update, by global name and port."""
    init_containers: bool = False
    """Whether sidecars start with an init container that changes the pod's network."""
    assumed: bool = True
    """Whether it is taken to have what is configured while it does not answer, or only what it had."""


def available(
    services: Sequence[ExportedService],
    clusters: Mapping[str, KnownCluster],
    trust_domains: TrustDomains,
    planes: Mapping[str, ControlPlane] = NONE,
) -> tuple[list[AvailableService], list[str]]:
    """Return every service as its meshes can export it, and a line for each thing that the user should know.

    `trust_domains` and control `planes` are by mesh, of all that may call.
    Raise UnusableServicesError listing every service that cannot be exported as it is configured.
    """
    mistakes, notes, result = list[str](), list[str](), list[AvailableService]()
    for service in services:
        found, guarded, wrong, said = _workloads(service, clusters)
        ports, disagreeing = _ports(service, found)
        weights = {mesh: weight for mesh, weight in service.weights.items() if mesh in found or mesh not in clusters}
        result.append(AvailableService(replace(service, weights=weights), ports, found, guarded))
        mistakes += wrong + disagreeing
        if not wrong:
            mistakes += _without_requests(service, ports, found)
        notes += said + _waiting(service, ports)
    notes += _closed_too(result, clusters, trust_domains)
    refused, said = _kept_out(result, clusters, trust_domains, planes)
    mistakes += refused
    notes += said
    for mesh, cluster in clusters.items():
        if cluster.inventory and cluster.init_containers:
            notes += hindrances.refused(mesh, cluster.inventory, services)
        if cluster.inventory and cluster.role.primary is None:
            plane, ports = cluster.role.plane, [INGRESS_PORT] if any(one.ingress_hosts for one in services) else []
            ports += [*ISTIOD_TLS_PORTS] if cluster.role.serves else []
            notes += restrictions.notes(mesh, cluster.inventory.policies, ports, plane)
            notes += hindrances.notes(mesh, cluster.inventory, services, plane)
    notes += _guessed(result, clusters)
    mistakes += _shared_pods(result, trust_domains)
    if mistakes:
        lines = [f"  {line}" for line in sorted(set(mistakes))]
        raise UnusableServicesError("\n".join(["services that cannot be exported as they are configured:", *lines]))
    return result, notes


def _workloads(
    service: ExportedService, clusters: Mapping[str, KnownCluster]
) -> tuple[Workloads, Workloads, list[str], list[str]]:
    """Return the workloads by mesh, those that are guarded, the mistakes, and what is to be said."""
    found, guarded, wrong, said = Workloads(), Workloads(), list[str](), list[str]()
    for mesh in service.weights:
        if mesh not in clusters:
            continue
        cluster = clusters[mesh]
        if made := cluster.made_here.get(service.short_name):
            found[mesh] = made
        elif cluster.inventory is None:
            before = cluster.before.get(service.global_name)
            if cluster.assumed or before:
                found[mesh] = assumed(service, before or {})
        else:
            try:
                found[mesh] = workload(service, _decided(cluster, clusters), cluster.role)
            except UnusableServiceError as error:
                where = f"Service {service.namespace}/{service.name} in mesh {mesh}: {error}"
                wrong.append(problem(_path(service), ABSENT, where))
            except NotExportedError as error:
                if error.workload:
                    guarded[mesh] = error.workload
                said.append(f"mesh {mesh} does not export {service.global_name}: {error}, then run `pulumi up` again")
            else:
                if rules := ", ".join(map(str, found[mesh].users_rules)):
                    said.append(
                        f"mesh {mesh}: {rules} goes on deciding about {service.short_name}, which stays in this mesh; "
                        f"all meshes answer {service.global_name}"
                    )
    return found, guarded, wrong, said


def _ports(service: ExportedService, workloads: Workloads) -> tuple[list[Port], list[str]]:
    """Return the ports that all meshes export, and a line for each whose protocol differs between them."""
    ports, wrong = list[Port](), list[str]()
    for number, said in service.ports.items():
        peers = [exported for mesh, exported in service.peer_ports.items() if mesh in service.weights]
        if any(number not in exported for exported in peers):
            continue
        seen: dict[str, Protocol] = {mesh: one.protocols[number] for mesh, one in workloads.items() if not one.assumed}
        seen |= {mesh: exported[number] for mesh, exported in service.peer_ports.items()}
        seen = seen or {mesh: one.protocols[number] for mesh, one in workloads.items()}
        protocols = list[Protocol](dict.fromkeys(seen.values()))
        if len(protocols) > 1:
            of_meshes = ", ".join(f"{protocol} in mesh {mesh}" for mesh, protocol in seen.items())
            message = f"port {number} must have one protocol in all meshes, but it is {of_meshes}"
            wrong.append(problem(_path(service), ABSENT, message))
        ports.append(Port(number, protocols[0] if protocols else said or "http"))
    return ports, wrong


def _decided(cluster: KnownCluster, clusters: Mapping[str, KnownCluster]) -> Inventory:
    """Return what is in a cluster that answers, with the policies that its control plane reads."""
    controlling = clusters.get(cluster.role.primary or "")
    own = cluster.inventory or Inventory()
    return replace(own, policies=controlling.inventory.policies) if controlling and controlling.inventory else own


def _guessed(services: Sequence[AvailableService], clusters: Mapping[str, KnownCluster]) -> list[str]:
    """Return a line for the ports whose protocol nobody has said yet."""
    guessed = [
        f"port {number} of {one.service.global_name}"
        for one in services
        for number, said in one.service.ports.items()
        if said is None and one.workloads and not any(number in of for of in one.service.peer_ports.values())
        if all(
            workload.assumed and number not in clusters[mesh].before.get(one.service.global_name, {})
            for mesh, workload in one.workloads.items()
        )
    ]
    return (
        [f"until a cluster can be asked for the protocol, http is assumed for {', '.join(guessed)}"] if guessed else []
    )


def _waiting(service: ExportedService, ports: Sequence[Port]) -> list[str]:
    """Return a line for each port that waits for a peer."""
    routed = {port.number for port in ports}
    return [
        f"port {number} of {service.global_name} waits for mesh {mesh}, whose stack does not export it yet"
        for number in service.ports
        if number not in routed
        for mesh, exported in service.peer_ports.items()
        if number not in exported
    ]


def _without_requests(service: ExportedService, ports: Iterable[Port], workloads: Workloads) -> list[str]:
    """Return a line for each setting of HTTP requests, if no port has any, nor one that waits for a peer."""
    waiting = [Port(*port) for one in workloads.values() for port in one.protocols.items()]
    if any(port.is_http for port in [*ports, *waiting]):
        return []
    settings = {"ingress_hosts": service.ingress_hosts, "retries": service.retries, "timeout": service.timeout}
    message = "needs a port that speaks HTTP or gRPC, and this service has none: remove the key"
    return [problem((*_path(service), key), ABSENT, message) for key, value in settings.items() if value]


def _closed_too(
    services: Sequence[AvailableService], clusters: Mapping[str, KnownCluster], trust_domains: TrustDomains
) -> list[str]:
    """Return a line for each port that is not listed, and that callers of its own mesh may no longer call."""
    listed = {(one.service.short_name, number) for one in services for number in one.service.ports}
    return [
        f"mesh {mesh}: who may not call {one.service.short_name} may not call port {number} of {name} either, as it "
        "leads to the same port of the same pods"
        for one in services
        for allowed in [{*callers(one.service, trust_domains)}]
        for mesh, workload in one.workloads.items()
        if (inventory := clusters[mesh].inventory) and any_principal(trust_domains[mesh][0]) not in allowed
        for name, number in shared_ports(one.service, inventory, workload, listed)
    ]


def _kept_out(
    services: Sequence[AvailableService],
    clusters: Mapping[str, KnownCluster],
    trust_domains: TrustDomains,
    planes: Mapping[str, ControlPlane],
) -> tuple[list[str], list[str]]:
    """Return a mistake for each listed caller whom a policy of the user's keeps out, and a line for each unlisted."""
    mistakes, notes = list[str](), list[str]()
    for one in services:
        allowed, service = callers(one.service, trust_domains, planes), one.service
        for mesh, found in one.workloads.items():
            if not clusters[mesh].inventory:
                continue
            inventory = _decided(clusters[mesh], clusters)
            by, out = restrictions.kept_out(service.namespace, found, inventory, allowed)
            line = f"{named(by)} in mesh {mesh} does not admit {', '.join(out)}: name them in a rule of it"
            if out and service.callers_listed:
                message = f"{line}, or take them out of callers"
                mistakes.append(problem((*_path(service), "callers"), list(service.callers), message))
            elif out:
                notes.append(f"{service.global_name}: {line}, or list who may call in callers")
    return mistakes, notes


def _shared_pods(services: Sequence[AvailableService], trust_domains: TrustDomains) -> list[str]:
    """Return a line for two services whose pods and ports are the same, but whose callers differ: they would add up."""
    principals = {one.service.short_name: set(callers(one.service, trust_domains)) for one in services}
    return [
        problem(
            (*_path(other.service), "callers"),
            ABSENT,
            f"{other.service.short_name} and {one.service.short_name} select the "
            f"same pods in mesh {mesh}, so who may call one may call both: list the same callers, or other pods",
        )
        for one, other in combinations(services, 2)
        if one.service.namespace == other.service.namespace
        and principals[one.service.short_name] != principals[other.service.short_name]
        for mesh in one.workloads.keys() & other.workloads.keys()
        if share(one.workloads[mesh], other.workloads[mesh])
    ]


def _path(service: ExportedService) -> list[str | int]:
    return ["services"] if service.number is None else ["services", service.number]
