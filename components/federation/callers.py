"""Who may call an exported service."""

from collections.abc import Mapping, Sequence

from components import istio
from components.federation.exported_service import ExportedService


def callers(service: ExportedService, trust_domains: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the callers' principals; the gateway of every mesh may call a service that has ingress hosts.

    `trust_domains` are by mesh: each mesh's own, and then its aliases. Which of them is its own does not matter, so
    nothing changes when a mesh's workloads get one that was an alias.
    """
    principals = []
    for caller in service.callers:
        mesh, _, identity = caller.partition("/")
        for trust_domain in sorted(trust_domains[mesh]):
            ending = [identity] if "/sa/" in identity else [*filter(None, [identity]), "*"]
            principals.append("/".join([trust_domain, *ending]))
    if service.ingress_hosts:
        principals += [
            istio.principal(trust_domain, istio.NAMESPACE, istio.GATEWAY)
            for _, domains in sorted(trust_domains.items())
            for trust_domain in sorted(domains)
            if istio.any_principal(trust_domain) not in principals
        ]
    return list(dict.fromkeys(principals))
