"""Who may call an exported service."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from components import istio
from components.federation.exported_service import ExportedService
from multimesh.control_plane import INSTALLED, ControlPlane

NONE: Mapping[str, ControlPlane] = MappingProxyType({})


def callers(
    service: ExportedService, trust_domains: Mapping[str, Sequence[str]], planes: Mapping[str, ControlPlane] = NONE
) -> list[str]:
    """Return the callers' principals; the gateway of every mesh may call a service that has ingress hosts.

    `trust_domains` are by mesh: each mesh's own, and then its aliases. Which of them is its own does not matter, so
    nothing changes when a mesh's workloads get one that was an alias. `planes` are the control planes that somebody
    else may have installed, with other gateways.
    """
    principals = []
    for caller in service.callers:
        mesh, _, identity = caller.partition("/")
        for trust_domain in sorted(trust_domains[mesh]):
            ending = [identity] if "/sa/" in identity else [*filter(None, [identity]), "*"]
            principals.append("/".join([trust_domain, *ending]))
    if service.ingress_hosts:
        principals += [
            istio.principal(trust_domain, plane.root_namespace, plane.gateway)
            for mesh, domains in sorted(trust_domains.items())
            for plane in [planes.get(mesh, INSTALLED)]
            for trust_domain in sorted(domains)
            if istio.any_principal(trust_domain) not in principals
        ]
    return list(dict.fromkeys(principals))
