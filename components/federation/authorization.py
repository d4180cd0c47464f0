"""The AuthorizationPolicies of an exported service, in the meshes that export it. Pure functions."""

from collections.abc import Mapping

from components import istio
from components.federation.availability import AvailableService
from components.federation.callers import callers
from components.federation.plan import PlannedObject, object_name
from components.mesh.roles import Role


def authorization(available: AvailableService, role: Role, trust_domains: Mapping[str, str]) -> list[PlannedObject]:
    """Return the policies that allow only the callers to reach the workload; none where the service does not run.

    A control plane also needs the policies of the clusters that it serves. `trust_domains` are by mesh, and
    have every mesh that may call.
    """
    service, workloads = available.service, available.workloads
    served = [workloads[cluster] for cluster in (role.cluster, *role.serves) if cluster in workloads]
    if not served:
        return []
    allowed = callers(service, trust_domains)
    selector = served[0].selector
    ports = sorted({number for workload in served for number in workload.pod_ports})

    def policy(suffix: str, spec: istio.Spec) -> PlannedObject:
        name = object_name(service, f"-{suffix}")
        return PlannedObject("AuthorizationPolicy", suffix, service.namespace, name, lambda _gateways: spec)

    policies = [policy("callers", istio.callers_allowed(selector, ports, allowed))]
    # The mesh-wide policy allows every workload of the mesh, so a service for some callers must deny the others.
    if istio.any_principal(role.trust_domain) not in allowed:
        policies.append(policy("others", istio.others_denied(selector, ports, allowed)))
    return policies
