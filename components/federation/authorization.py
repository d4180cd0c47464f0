"""Who may reach the pods of a mesh: its own workloads, and the callers of an exported service. Pure functions.

Everything here only denies. Istio admits whom any ALLOW admits, so an ALLOW would annul those of the users.
"""

from collections.abc import Mapping, Sequence

from components import envoy, istio
from components.federation.availability import AvailableService
from components.federation.order import FOREIGN
from components.federation.plan import PlannedObject, object_name
from components.federation.workload import Workload
from components.mesh.roles import Role


def closed(role: Role) -> list[PlannedObject]:
    """Return what closes all pods of a mesh to identities of other meshes; a single mesh accepts no such identity."""
    if role.one_mesh:
        return []
    return [PlannedObject("EnvoyFilter", istio.NAMESPACE, FOREIGN, envoy.foreign_refused(role.trust_domains))]


def authorization(available: AvailableService, role: Role, allowed: Sequence[str]) -> list[PlannedObject]:
    """Return what lets only the callers reach the workload; nothing where the service does not run.

    A control plane also needs the policies of the clusters that it serves: one for each selector that the Service has
    in them. `allowed` are the callers' principals.
    """
    service, workloads = available.service, {**available.guarded, **available.workloads}
    own_mesh = istio.any_principal(role.trust_domain) in allowed
    made = list[PlannedObject]()
    served = {cluster: workloads[cluster] for cluster in (role.cluster, *role.serves) if cluster in workloads}
    for number, (cluster, (selector, ports)) in enumerate(_by_selector(served).items()):
        of = f".{cluster}" if number else ""
        # Who lists the callers means nobody else; otherwise, what the user says of plaintext is left alone.
        anonymous = service.callers_listed or not own_mesh
        if anonymous or not role.one_mesh:
            spec = istio.others_denied(selector, ports, allowed, anonymous=anonymous)
            name = object_name(service, f"others{of}")
            made.append(PlannedObject("AuthorizationPolicy", service.namespace, name, spec))
        if not role.one_mesh:
            opened = envoy.foreign_admitted(selector, ports)
            made.append(PlannedObject("EnvoyFilter", service.namespace, object_name(service, f"peers{of}"), opened))
    return made


def _by_selector(workloads: Mapping[str, Workload]) -> dict[str, tuple[Mapping[str, str], list[int]]]:
    """Return each selector, and the ports of the pods that it selects, by the first cluster that has it."""
    found = dict[str, tuple[Mapping[str, str], list[int]]]()
    for cluster, workload in workloads.items():
        if all(workload.selector != selector for selector, _ in found.values()):
            alike = [other for other in workloads.values() if other.selector == workload.selector]
            ports = sorted({number for other in alike for number in other.pod_ports})
            found[cluster] = workload.selector, ports
    return found
