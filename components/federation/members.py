"""Who is in the federation, and what each of them offers: resolved before anything is made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.federation import contradictions, peers, stack_outputs
from components.federation.contradictions import Claims
from components.federation.peers import Peer, PeerMesh
from components.schema import problems
from components.schema.problems import SettingsError
from components.settings import Settings
from components.settings.service import ServiceSettings
from components.trust import trust_stack


@dataclass(frozen=True)
class Members:
    """The federation as one stack sees it.

    `services` are this stack's, with the weights and callers of every mesh filled in, then those that only peers
    export. `trust_domains` are those of every mesh that is known, also of one that this stack issues a CA for and whose
    own stack is not up. `trusted` is what another stack issues for this one's meshes, if one does.
    """

    services: Sequence[ServiceSettings]
    peers: Mapping[str, PeerMesh]
    trust_domains: Mapping[str, str]
    trusted: trust_stack.Trusted | None
    notes: Sequence[str]
    """What a later `up` makes good: a line each."""


def read(stack: Settings) -> Members:
    """Ask the stacks that this one names. Raises SettingsError naming every contradiction, UnreadableStackError."""
    found = peers.named_wrongly(stack.peers)
    trusted = None
    if owner := stack.trust.stack:
        configured = {name: mesh.trust_domain for name, mesh in stack.meshes.items()}
        trusted, wrong = trust_stack.check(owner, configured, stack_outputs.read(owner))
        found += wrong
    present, notes = dict[str, Peer](), list[str]()
    for name in stack.peers:
        peer, wrong = peers.parse(name, stack_outputs.read(name))
        found += wrong
        if peer:
            present[name] = peer
        else:
            notes.append(f"multimesh:peers: {name} is not up; it is left out until it is, and `pulumi up` runs again")
    _raise(found)

    trust_domains = {
        mesh: trusted.intermediates[mesh].trust_domain if trusted else stack.trust_domain(mesh) for mesh in stack.meshes
    }
    if present:
        own = _own_claims(stack, trust_domains, _root(stack, trusted))
        _raise(contradictions.between([own, *(_claims(name, peer) for name, peer in present.items())]))
    meshes = {name: peers.mesh(name, about) for peer in present.values() for name, about in peer.meshes.items()}
    trust_domains = (
        {mesh: stack.trust.issued_trust_domain(mesh) for mesh in stack.trust.issues if stack.peers}
        | {mesh: about.trust_domain for mesh, about in meshes.items()}
        | trust_domains
    )
    unknown = _unknown_callers(stack, trust_domains)
    if len(present) == len(stack.peers):
        _raise(unknown)
    services = resolve(stack, meshes, sorted(trust_domains))
    notes += unknown
    notes += _without_traffic(stack, services)
    return Members(services, meshes, trust_domains, trusted, notes)


def resolve(stack: Settings, peer_meshes: Mapping[str, PeerMesh], everyone: Sequence[str]) -> list[ServiceSettings]:
    """Return every service, with the weight of each mesh that exports it and who of `everyone` may call."""
    theirs = dict[str, dict[str, peers.Export]]()
    for mesh in sorted(peer_meshes):
        for name, export in peer_meshes[mesh].exports.items():
            theirs.setdefault(name, {})[mesh] = export
    services = []
    for service in stack.services:
        weights = {mesh: export.weight for mesh, export in theirs.pop(service.global_name(stack.suffix), {}).items()}
        callers = [caller for caller in service.callers or everyone if _mesh_of(caller) in everyone]
        filled_in = {"meshes": dict(sorted((service.meshes | weights).items())), "callers": callers}
        services.append(service.model_copy(update=filled_in))
    return services + [_of_peers(name, theirs[name]) for name in sorted(theirs)]


def _of_peers(global_name: str, exports: Mapping[str, peers.Export]) -> ServiceSettings:
    """Return a service that no mesh of this stack exports; whom its exporters let call is theirs to say."""
    name, namespace, _ = global_name.split(".", 2)
    weights = {mesh: export.weight for mesh, export in exports.items()}
    (port, *_) = (export.port for export in exports.values())
    return ServiceSettings.model_construct(name=name, namespace=namespace, port=port, meshes=weights, callers=[])


def _own_claims(stack: Settings, trust_domains: Mapping[str, str], root: str | None) -> Claims:
    ports = {service.global_name(stack.suffix): service.port for service in stack.services}
    return Claims(pulumi.get_stack(), stack.suffix, root, trust_domains, ports)


def _claims(name: str, peer: Peer) -> Claims:
    domains = {mesh: about.trust_domain for mesh, about in peer.meshes.items()}
    ports = {name: export.port for about in peer.meshes.values() for name, export in about.exports.items()}
    return Claims(name, peer.suffix, peer.root_ca, domains, ports)


def _root(stack: Settings, trusted: trust_stack.Trusted | None) -> str | None:
    """Return the certificate of the root that this stack's meshes will have, None for one that is yet to be made."""
    if trusted:
        return trusted.root
    if brought := stack.trust.brought:
        return brought.certificate_pem
    had = stack_outputs.read(pulumi.get_stack())
    return had.get("root_ca") if had.get("root_ca_owner") == root_owner(stack) else None


def root_owner(stack: Settings) -> str:
    """Return the full name of the stack that makes the root CA; nothing for one that the user brought."""
    if stack.trust.root:
        return ""
    return stack_outputs.qualified(stack.trust.stack or pulumi.get_stack())


def _unknown_callers(stack: Settings, known: Iterable[str]) -> list[str]:
    up = ", ".join(sorted(known))
    return [
        problems.problem(("services", number, "callers", index), caller, f"no mesh of that name is up: {up}")
        for number, service in enumerate(stack.services)
        for index, caller in enumerate(service.callers or [])
        if _mesh_of(caller) not in known
    ]


def _without_traffic(stack: Settings, services: Iterable[ServiceSettings]) -> list[str]:
    return [
        f"multimesh:services: no mesh that exports {service.global_name(stack.suffix)} has a weight above 0: "
        "nobody can call it"
        for service in services
        if not any(service.meshes.values())
    ]


def _mesh_of(caller: str) -> str:
    return caller.partition("/")[0]


def _raise(found: list[str]) -> None:
    if found:
        raise SettingsError(problems.report(found))
