"""The members of the federation and their exports, read before the program registers any resource."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.federation import contradictions, peers, stack_outputs, trust_domain_change
from components.federation.contradictions import Claims
from components.federation.exported_service import ExportedService
from components.federation.peers import Peer, PeerMesh
from components.ports import Protocol
from components.schema import problems
from components.schema.problems import SettingsError
from components.settings import Settings
from components.settings.service import ServiceSettings
from components.trust import external_root, foreign_request, planned, revocation, revoked, trust_stack
from components.trust.absent_root import Configured, ThisStack, Trusted


@dataclass(frozen=True)
class Members:
    """The federation as one stack sees it.

    `ready` is this stack without the meshes that wait for their CAs. `services` are first this stack's services,
    including their peers' exports, then those that only peers export. `trust_domains` are each mesh's own and then its
    aliases, of every known mesh, also of those that this stack issues a CA for and whose own stack is not up. `trusted`
    has the CAs of this stack's meshes, if somebody else signs them. `requests` are those of other stacks' meshes that
    this stack signs (PEM), by mesh.
    """

    ready: Settings

    services: Sequence[ExportedService]
    peers: Mapping[str, PeerMesh]
    trust_domains: Mapping[str, Sequence[str]]
    trusted: Trusted | None
    requests: Mapping[str, str]
    revokes: bool
    """Whether a CA is revoked, so that proxies check revocation lists."""
    peer_lists: Sequence[str]
    """The revocation lists (PEM) of the CAs of peers."""
    last: Mapping[str, Any]
    """The stack's own outputs at its last update, secrets in the clear; `{}` before the first."""
    notes: Sequence[str]
    """One line for each thing that is missing until a later `pulumi up`."""
    root: str | None = None
    """The root certificate (PEM); None if it does not exist yet."""


def read(stack: Settings) -> Members:
    """Read the stacks that this stack names, and compare them.

    Raise SettingsError listing every contradiction, and UnreadableStackError if the backend cannot be read.
    """
    found = peers.named_wrongly(stack.peers)
    notes = list[str]()
    had = stack_outputs.read(pulumi.get_stack())
    issued = {mesh: stack_outputs.read(stack.trust.asked_by(mesh)) for mesh in stack.trust.issues}
    trusted = _trusted(stack, had, notes, found)
    requests = _requests(stack, issued, notes, found)
    present = dict[str, Peer]()
    for name in stack.peers:
        peer, wrong = peers.parse(name, stack_outputs.read(name))
        found += wrong
        if peer:
            present[name] = peer
        else:
            notes.append(f"multimesh:peers: {name} is not up, so it is left out: run `pulumi up` again once it is")
    _raise(found)

    own_root = had.get("root_ca_owner") == stack_outputs.qualified(pulumi.get_stack())
    plan = planned.planned(stack.trust, trusted, had, own=own_root)
    revokes = bool(trusted.lists_of_roots if trusted else stack.trust.revoked)
    refused = revoked.refused(stack.trust, plan, had, present, issued, revokes=revokes)
    _raise([*planned.skipped_steps(stack.trust, trusted, had, plan, own=own_root), *refused])

    trust_domains = {
        mesh: trusted.trust_domains[mesh] if trusted and mesh not in stack.joined else stack.trust_domains(mesh)
        for mesh in stack.meshes
    }
    if present and (trusted is None or trusted.root):
        own = _own_claims(stack, trust_domains, plan)
        _raise(contradictions.between([own, *(_claims(stack, name, peer) for name, peer in present.items())]))
    wrong, said = trust_domain_change.check(stack, had, trust_domains, present)
    _raise(wrong)
    notes += said
    meshes = {name: peers.mesh(name, of, about) for of, peer in present.items() for name, about in peer.meshes.items()}
    trust_domains = (
        {mesh: stack.trust.issued_trust_domains(mesh) for mesh in stack.trust.issues if stack.peers}
        | {mesh: about.trust_domains for mesh, about in meshes.items()}
        | trust_domains
    )
    unknown = _unknown_callers(stack, trust_domains)
    if len(present) == len(stack.peers):
        _raise(unknown + _unknown_peers(stack, meshes))
    ready = stack.without(trusted.waiting) if trusted else stack
    exports = {name: mesh.exports for name, mesh in meshes.items()}
    services = exported_services(ready, exports, sorted(trust_domains))
    notes += unknown + _not_taken(ready, exports)
    notes += _without_traffic(services)
    lists = [revocation.of_meshes(peer.revocation_lists, peer.meshes) for peer in present.values()]
    return Members(ready, services, meshes, trust_domains, trusted, requests, revokes, lists, had, notes, plan.signs)


def _trusted(stack: Settings, had: Mapping[str, Any], notes: list[str], found: list[str]) -> Trusted | None:
    """Return what there is of CAs that somebody else signs; None if this stack signs them."""
    owner, external = stack.trust.stack, stack.trust.external
    if owner:
        of_owner, full_name = stack_outputs.read(owner), stack_outputs.qualified(owner)
        there = trust_stack.check(owner, full_name, of_owner, _this_stack(stack, had))
    elif external:
        there = external_root.check(external, stack.trust.certificates, _this_stack(stack, had))
    else:
        return None
    notes += there.notes
    found += there.wrong
    return there.trusted


def _this_stack(stack: Settings, had: Mapping[str, Any]) -> ThisStack:
    configured = {
        name: Configured(mesh.trust_domain, mesh.trust_domain_aliases)
        for name, mesh in stack.meshes.items()
        if mesh.istio.install
    }
    return ThisStack(configured, stack.trust.ca_generations, had, stack_outputs.own_resources())


def _requests(
    stack: Settings, issued: Mapping[str, Mapping[str, Any]], notes: list[str], found: list[str]
) -> dict[str, str]:
    """Return the requests that this stack signs, by mesh; `issued` are the outputs of the stacks that make them."""
    requests = dict[str, str]()
    for mesh, outputs in issued.items():
        asking = stack.trust.asked_by(mesh)
        request, wrong = foreign_request.check(mesh, asking, outputs)
        if request:
            requests[mesh] = request
        elif wrong:
            found.append(wrong)
        else:
            notes.append(
                f"multimesh:trust.issues.{mesh}: stack {asking} exports no request for the CA of {mesh} yet: run "
                "`pulumi up` there, here and there again"
            )
    return requests


def exported_services(
    stack: Settings, peer_exports: Mapping[str, Mapping[str, peers.Export]], known: Sequence[str]
) -> list[ExportedService]:
    """Return the services of this stack, then those that only peers export.

    `peer_exports` are by mesh, then by global name; `known` are the meshes that may call.
    """
    exports = dict[str, dict[str, peers.Export]]()
    for mesh in sorted(peer_exports):
        for global_name, export in peer_exports[mesh].items():
            exports.setdefault(global_name, {})[mesh] = export
    own = [
        _of_stack(number, service, stack.suffix, exports.pop(service.global_name(stack.suffix), {}), known)
        for number, service in enumerate(stack.services)
    ]
    return own + [_of_peers(global_name, stack.suffix, exports[global_name]) for global_name in sorted(exports)]


def _of_stack(
    number: int, service: ServiceSettings, suffix: str, exports: Mapping[str, peers.Export], known: Sequence[str]
) -> ExportedService:
    """Return a service that this stack configures, with the peers' meshes from which it takes it, too."""
    exports = {mesh: export for mesh, export in exports.items() if mesh in service.peers}
    weights = service.meshes | {mesh: min(export.weight, service.peers[mesh]) for mesh, export in exports.items()}
    return ExportedService(
        name=service.name,
        namespace=service.namespace,
        suffix=suffix,
        ports=service.protocols,
        # Sorted, so that every stack rounds the same weights to the same shares.
        weights=dict(sorted(weights.items())),
        callers=[caller for caller in service.callers or known if _mesh_of(caller) in known],
        callers_listed=service.callers is not None,
        split=service.split,
        prefer=service.prefer,
        timeout=service.timeout,
        retries=service.retries and service.retries.as_istio,
        ingress_hosts=service.ingress_hosts,
        service_account=service.service_account,
        peer_accounts={mesh: export.service_account for mesh, export in exports.items()},
        peer_ports={mesh: export.protocols for mesh, export in exports.items()},
        probe=service.probe == "call",
        number=number,
    )


def _of_peers(global_name: str, suffix: str, exports: Mapping[str, peers.Export]) -> ExportedService:
    """Return a service that no mesh of this stack exports; the stacks of its exporters decide who may call it."""
    name, namespace, _ = global_name.split(".", 2)
    ports: dict[int, Protocol | None] = {
        port: protocol for export in exports.values() for port, protocol in export.protocols.items()
    }
    return ExportedService(
        name=name,
        namespace=namespace,
        suffix=suffix,
        ports=ports,
        weights={mesh: export.weight for mesh, export in exports.items()},
        callers=[],
        peer_accounts={mesh: export.service_account for mesh, export in exports.items()},
        peer_ports={mesh: export.protocols for mesh, export in exports.items()},
    )


def _own_claims(stack: Settings, trust_domains: Mapping[str, Sequence[str]], plan: planned.PlannedRoots) -> Claims:
    ports = {service.global_name(stack.suffix): service.protocols for service in stack.services}
    return Claims(pulumi.get_stack(), stack.suffix, plan.signs, plan.also, trust_domains, ports)


def _claims(stack: Settings, name: str, peer: Peer) -> Claims:
    domains = {mesh: about.trust_domains for mesh, about in peer.meshes.items()}
    # What is not taken from a peer contradicts nothing: a peer must not be able to stop this stack's updates by it.
    ports = {
        exported: export.protocols
        for mesh, about in peer.meshes.items()
        for exported, export in about.exports.items()
        if _takes(stack, exported, mesh)
    }
    return Claims(name, peer.suffix, peer.root_ca, list(peer.root_cas.values()), domains, ports)


def root_owner(stack: Settings) -> str:
    """Return the full name of the stack that owns the root CA; an empty string if the user brought the root."""
    if stack.trust.root:
        return ""
    return stack_outputs.qualified(stack.trust.stack or pulumi.get_stack())


def _unknown_callers(stack: Settings, known: Iterable[str]) -> list[str]:
    up = ", ".join(sorted(known))
    return [
        problems.problem(("services", number, "callers", index), caller, f"must be a mesh that is known: {up}")
        for number, service in enumerate(stack.services)
        for index, caller in enumerate(service.callers or [])
        if _mesh_of(caller) not in known
    ]


def _unknown_peers(stack: Settings, meshes: Iterable[str]) -> list[str]:
    up = ", ".join(sorted(meshes))
    return [
        problems.problem(("services", number, "peers", mesh), weight, f"must be of a mesh of a peer: {up}")
        for number, service in enumerate(stack.services)
        for mesh, weight in service.peers.items()
        if mesh not in meshes
    ]


def _takes(stack: Settings, global_name: str, mesh: str) -> bool:
    """Return whether the stack takes a service from a peer's mesh: from each, unless it lists the service itself."""
    return all(mesh in one.peers for one in stack.services if one.global_name(stack.suffix) == global_name)


def _not_taken(stack: Settings, exports: Mapping[str, Mapping[str, peers.Export]]) -> list[str]:
    """Return a line for each weight that a peer states and that this stack does not give it, for a name of its own."""
    found = list[str]()
    for number, service in enumerate(stack.services):
        for mesh in sorted(exports):
            export = exports[mesh].get(service.global_name(stack.suffix))
            if export is None or export.weight <= service.peers.get(mesh, -1):
                continue
            name = f"mesh {mesh} exports {service.global_name(stack.suffix)} with weight {export.weight}"
            message = (
                f"{name}, and gets {service.peers[mesh]}, the most that is allowed here"
                if mesh in service.peers
                else f"{name}, and gets no request of this stack's meshes: to take the service from it, list it here"
            )
            found.append(problems.problem(("services", number, "peers", mesh), problems.ABSENT, message))
    return found


def _without_traffic(services: Iterable[ExportedService]) -> list[str]:
    return [
        f"multimesh:services: no mesh that exports {service.global_name} has a weight above 0: nobody can call it"
        for service in services
        if not any(service.weights.values())
    ]


def _mesh_of(caller: str) -> str:
    return caller.partition("/")[0]


def _raise(found: list[str]) -> None:
    if found:
        raise SettingsError(problems.report(found))
