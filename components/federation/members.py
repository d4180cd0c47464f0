"""The members of the federation and their exports, read before the program registers any resource."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
from components.trust import trust_stack


@dataclass(frozen=True)
class Members:
    """The federation as one stack sees it.

    `services` are first this stack's services, including their peers' exports, then those that only peers export.
    `trust_domains` are each mesh's own and then its aliases, of every known mesh, also of those that this stack issues
    a CA for and whose own stack is not up.
    `trusted` has the CAs that another stack issues for this stack's meshes, if one does.
    """

    services: Sequence[ExportedService]
    peers: Mapping[str, PeerMesh]
    trust_domains: Mapping[str, Sequence[str]]
    trusted: trust_stack.Trusted | None
    notes: Sequence[str]
    """One line for each thing that is missing until a later `pulumi up`."""


def read(stack: Settings) -> Members:
    """Read the stacks that this stack names, and compare them.

    Raise SettingsError listing every contradiction, and UnreadableStackError if the backend cannot be read.
    """
    found = peers.named_wrongly(stack.peers)
    trusted = None
    if owner := stack.trust.stack:
        configured = {name: (mesh.trust_domain, mesh.trust_domain_aliases) for name, mesh in stack.meshes.items()}
        trusted, wrong = trust_stack.check(owner, configured, stack_outputs.read(owner))
        found += wrong
    present, notes = dict[str, Peer](), list[str]()
    for name in stack.peers:
        peer, wrong = peers.parse(name, stack_outputs.read(name))
        found += wrong
        if peer:
            present[name] = peer
        else:
            notes.append(f"multimesh:peers: {name} is not up, so it is left out: run `pulumi up` again once it is")
    _raise(found)

    trust_domains = {
        mesh: trusted.intermediates[mesh].trust_domains if trusted else stack.trust_domains(mesh)
        for mesh in stack.meshes
    }
    if present:
        own = _own_claims(stack, trust_domains, _root(stack, trusted))
        _raise(contradictions.between([own, *(_claims(name, peer) for name, peer in present.items())]))
    wrong, said = trust_domain_change.check(stack, trust_domains, present)
    _raise(wrong)
    notes += said
    meshes = {name: peers.mesh(name, about) for peer in present.values() for name, about in peer.meshes.items()}
    trust_domains = (
        {mesh: stack.trust.issued_trust_domains(mesh) for mesh in stack.trust.issues if stack.peers}
        | {mesh: about.trust_domains for mesh, about in meshes.items()}
        | trust_domains
    )
    unknown = _unknown_callers(stack, trust_domains)
    if len(present) == len(stack.peers):
        _raise(unknown)
    services = exported_services(stack, {name: mesh.exports for name, mesh in meshes.items()}, sorted(trust_domains))
    notes += unknown
    notes += _without_traffic(services)
    return Members(services, meshes, trust_domains, trusted, notes)


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
    """Return a service that this stack configures; its peers' meshes may also export it."""
    weights = service.meshes | {mesh: export.weight for mesh, export in exports.items()}
    return ExportedService(
        name=service.name,
        namespace=service.namespace,
        suffix=suffix,
        ports=service.protocols,
        # Sorted, so that every stack rounds the same weights to the same shares.
        weights=dict(sorted(weights.items())),
        callers=[caller for caller in service.callers or known if _mesh_of(caller) in known],
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


def _own_claims(stack: Settings, trust_domains: Mapping[str, Sequence[str]], root: str | None) -> Claims:
    ports = {service.global_name(stack.suffix): service.protocols for service in stack.services}
    return Claims(pulumi.get_stack(), stack.suffix, root, trust_domains, ports)


def _claims(name: str, peer: Peer) -> Claims:
    domains = {mesh: about.trust_domains for mesh, about in peer.meshes.items()}
    ports = {name: export.protocols for about in peer.meshes.values() for name, export in about.exports.items()}
    return Claims(name, peer.suffix, peer.root_ca, domains, ports)


def _root(stack: Settings, trusted: trust_stack.Trusted | None) -> str | None:
    """Return the root certificate (PEM) of this stack's meshes; None if it does not exist yet."""
    if trusted:
        return trusted.root
    if brought := stack.trust.brought:
        return brought.certificate_pem
    had = stack_outputs.read(pulumi.get_stack())
    return had.get("root_ca") if had.get("root_ca_owner") == root_owner(stack) else None


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
