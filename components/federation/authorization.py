"""The AuthorizationPolicies of an exported service, in the meshes that export it. Pure functions."""

from collections.abc import Mapping, Sequence

from components import istio
from components.federation.availability import AvailableService
from components.federation.plan import PlannedObject, object_name
from components.federation.workload import Workload
from components.mesh.roles import Role


def authorization(available: AvailableService, role: Role, allowed: Sequence[str]) -> list[PlannedObject]:
    """Return the policies that allow only the callers to reach the workload; none where the service does not run.

    A control plane also needs the policies of the clusters that it serves: one for each selector that the Service has
    in them. `allowed` are the callers' principals.
    """
    service, workloads = available.service, {**available.guarded, **available.workloads}
    # Where somebody else runs the mesh, there is no mesh-wide policy, and plaintext may be admitted.
    # The mesh-wide policy allows every workload of the mesh, so a service for some callers must deny the others.
    deny_others = istio.any_principal(role.trust_domain) not in allowed or not role.plane.installed

    def policy(ending: str, spec: istio.Spec) -> PlannedObject:
        name = object_name(service, ending)
        return PlannedObject("AuthorizationPolicy", service.namespace, name, spec)

    policies = list[PlannedObject]()
    served = {cluster: workloads[cluster] for cluster in (role.cluster, *role.serves) if cluster in workloads}
    for cluster, (selector, ports) in _by_selector(served).items():
        of = f".{cluster}" if policies else ""
        spec = istio.callers_allowed(selector, ports, allowed)
        if not role.plane.installed and not served[cluster].restricted:
            unlisted = sorted({*served[cluster].unlisted} - {*ports})
            spec["rules"] += istio.other_ports(ports, unlisted, role.trust_domains, role.federated)
        policies.append(policy(f"callers{of}", spec))
        if deny_others:
            policies.append(policy(f"others{of}", istio.others_denied(selector, ports, allowed)))
    return policies


def _by_selector(workloads: Mapping[str, Workload]) -> dict[str, tuple[Mapping[str, str], list[int]]]:
    """Return each selector, and the ports of the pods that it selects, by the first cluster that has it."""
    found = dict[str, tuple[Mapping[str, str], list[int]]]()
    for cluster, workload in workloads.items():
        if all(workload.selector != selector for selector, _ in found.values()):
            alike = [other for other in workloads.values() if other.selector == workload.selector]
            ports = sorted({number for other in alike for number in other.pod_ports})
            found[cluster] = workload.selector, ports
    return found
