"""Who may call an exported service."""

from collections.abc import Mapping
from types import MappingProxyType

from components import istio
from components.federation.exported_service import ExportedService
from multimesh.contract import INSTALLED, ControlPlane

NONE: Mapping[str, ControlPlane] = MappingProxyType({})


def callers(
    service: ExportedService, trust_domains: Mapping[str, str], planes: Mapping[str, ControlPlane] = NONE
) -> list[str]:
    """Return the callers' principals; the gateway of every mesh may call a service that has ingress hosts.

    `planes` are the control planes that somebody else may have installed, with other gateways.
    """
    principals = []
    for caller in service.callers:
        mesh, _, identity = caller.partition("/")
        trust_domain = trust_domains[mesh]
        if not identity:
            principals.append(istio.any_principal(trust_domain))
        else:
            principals.append(f"{trust_domain}/{identity}" if "/sa/" in identity else f"{trust_domain}/{identity}/*")
    if service.ingress_hosts:
        principals += [
            istio.principal(trust_domain, plane.root_namespace, plane.gateway)
            for mesh, trust_domain in sorted(trust_domains.items())
            for plane in [planes.get(mesh, INSTALLED)]
            if istio.any_principal(trust_domain) not in principals
        ]
    return list(dict.fromkeys(principals))
