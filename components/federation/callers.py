"""Who may call an exported service."""

from collections.abc import Mapping

from components import istio
from components.federation.exported_service import ExportedService


def callers(service: ExportedService, trust_domains: Mapping[str, str]) -> list[str]:
    """Return the callers' principals; the gateway of every mesh may call a service that has ingress hosts."""
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
            istio.principal(trust_domain, istio.NAMESPACE, istio.GATEWAY)
            for _, trust_domain in sorted(trust_domains.items())
            if istio.any_principal(trust_domain) not in principals
        ]
    return list(dict.fromkeys(principals))
