"""Checks of what gateways pass on: what is exported, to a workload of the mesh, and nothing else."""

from collections.abc import Iterable

from multimesh.check.federation import Federation, not_exported
from multimesh.check.gateways import on_peer_port
from multimesh.check.result import Check, Problem


def _exported(federation: Federation) -> Iterable[Problem]:
    for mesh, shaken in federation.gateways.items():
        domains = tuple(f"spiffe://{domain}/" for domain in federation.outputs.meshes[mesh].trust_domains)
        for name, seen in shaken.items():
            if name == not_exported(federation.outputs.meshes[mesh]) or not seen.connected:
                continue
            if seen.closed:
                cause = f"the gateway closes connections for the exported {name}"
                root = federation.outputs.meshes[mesh].control_plane.root_namespace
                yield Problem(mesh, cause, f"see whether its Service has ready pods, and the Gateway {root}/peers")
            elif seen.trouble:
                yield Problem(mesh, f"{name}: {seen.trouble}", "see docs/check.md")
            elif not any(identity.startswith(domains) for identity in seen.identities):
                cause = f"{name} is answered by {', '.join(seen.identities) or 'nobody'}, not of {' or '.join(domains)}"
                yield Problem(mesh, cause, "restart the workload; see the checks of trust")


def _closed(federation: Federation) -> Iterable[Problem]:
    for mesh, shaken in federation.gateways.items():
        seen = shaken[name := not_exported(federation.outputs.meshes[mesh])]
        if seen.connected and not seen.closed:
            cause = f"the gateway passes on {name}, which is not exported"
            yield Problem(mesh, cause, f"remove the Gateway that admits it{_wide(federation, mesh)}")


def _wide(federation: Federation, mesh: str) -> str:
    cluster = federation.clusters.get(mesh)
    wide = on_peer_port(cluster, wide=True) if cluster else []
    return f": {', '.join(wide)}" if wide else ""


def _anonymous(federation: Federation) -> Iterable[Problem]:
    for mesh, shaken in federation.gateways.items():
        for name, seen in shaken.items():
            if name != not_exported(federation.outputs.meshes[mesh]) and seen.admitted:
                cause = f"{name}: the workload goes on with a caller that has no certificate"
                yield Problem(mesh, cause, "see who changed its proxy: PeerAuthentications and EnvoyFilters")


CHECKS = [
    Check("gateway-exports", "Calls", "every exported port is passed on, to a workload of the mesh", _exported),
    Check("gateway-closed", "Calls", "what is not exported is refused", _closed),
    Check("gateway-anonymous", "Calls", "a caller without a certificate is refused", _anonymous),
]
