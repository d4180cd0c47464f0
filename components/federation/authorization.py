"""The AuthorizationPolicies of an exported service, in the meshes that export it. Pure functions."""

from collections.abc import Callable, Mapping

from components import istio
from components.federation.exported_service import ExportedService
from components.federation.plan import PlannedObject, object_name
from components.mesh.roles import Role


def authorization(service: ExportedService, role: Role, trust_domains: Mapping[str, str]) -> list[PlannedObject]:
    """Return the policies that allow only the callers to reach the workload; none where the service does not run.

    A control plane also needs the policies of the clusters that it serves. `trust_domains` are by mesh, and
    have every mesh that may call.
    """
    exporter = next((cluster for cluster in (role.cluster, *role.serves) if cluster in service.weights), None)
    if exporter is None:
        return []
    allowed = callers(service, trust_domains)

    def policy(suffix: str, render: Callable[..., istio.Spec]) -> PlannedObject:
        return PlannedObject(
            "AuthorizationPolicy",
            suffix,
            service.namespace,
            object_name(service, f"-{suffix}"),
            lambda at: render(at.workloads[exporter].selector, at.workloads[exporter].port, allowed),
            workloads=[exporter],
        )

    policies = [policy("callers", istio.callers_allowed)]
    # The mesh-wide policy allows every workload of the mesh, so a service for some callers must deny the others.
    if istio.any_principal(role.trust_domain) not in allowed:
        policies.append(policy("others", istio.others_denied))
    return policies


def callers(service: ExportedService, trust_domains: Mapping[str, str]) -> list[str]:
    """Return the callers' principals; the gateway of every mesh may call a service that has ingress hosts."""
    principals = []
    for caller in service.callers:
        mesh, _, identity = caller.partition("/")
        trust_domain = trust_domains[mesh]
        principals.append(f"{trust_domain}/{identity}" if identity else istio.any_principal(trust_domain))
    if service.ingress_hosts:
        principals += [
            istio.principal(trust_domain, istio.NAMESPACE, istio.GATEWAY)
            for _, trust_domain in sorted(trust_domains.items())
            if istio.any_principal(trust_domain) not in principals
        ]
    return list(dict.fromkeys(principals))
