"""Who may reach the pods of a mesh: its own workloads, and the callers of an exported service. Pure functions.

Everything here only denies. Istio admits whom any ALLOW admits, so an ALLOW would annul those of the users.
"""

from collections.abc import Mapping, Sequence

from components import envoy, istio
from components.federation.availability import AvailableService
from components.federation.order import FOREIGN, UNEXPORTED
from components.federation.plan import PlannedObject, object_name
from components.federation.shared_ports import same_pods
from components.federation.workload import Workload
from components.mesh.roles import Role


def closed(role: Role, services: Sequence[AvailableService] = ()) -> list[PlannedObject]:
    """Return what closes a mesh's pods to identities of other meshes; a single mesh accepts no such identity.

    In a mesh that multimesh installs, these are all pods. Where somebody else runs it, nothing is made for pods that
    are not multimesh's business, so these are the pods of the exported `services`.
    """
    if role.one_mesh:
        return []
    if not role.plane.installed:
        return _unexported_ports(role, services)
    return [PlannedObject("EnvoyFilter", istio.NAMESPACE, FOREIGN, envoy.foreign_refused(role.trust_domains))]


def _unexported_ports(role: Role, services: Sequence[AvailableService]) -> list[PlannedObject]:
    """Return the policies that close all but the exported ports of exported pods to identities of other meshes."""
    made = list[PlannedObject]()
    found = [(one.service, workload) for one in services if (workload := _workloads(one).get(role.cluster))]
    for service, workload in found:
        # Pods may be behind several services, and a DENY of one holds for the ports of all.
        beside = [other for of, other in found if of.namespace == service.namespace and same_pods(workload, other)]
        exported = sorted({number for one in [workload, *beside] for number in one.pod_ports})
        unlisted = sorted({*workload.unlisted} - {*exported})
        spec = istio.foreign_denied(workload.selector, exported, unlisted, role.trust_domains, role.federated)
        if spec["rules"]:
            name = object_name(service, UNEXPORTED)
            made.append(PlannedObject("AuthorizationPolicy", service.namespace, name, spec))
    return made


def authorization(available: AvailableService, role: Role, allowed: Sequence[str]) -> list[PlannedObject]:
    """Return what lets only the callers reach the workload; nothing where the service does not run.

    A control plane also needs the policies of the clusters that it serves: one for each selector that the Service has
    in them. `allowed` are the callers' principals.
    """
    service, workloads = available.service, _workloads(available)
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
        if not role.one_mesh and role.plane.installed:
            opened = envoy.foreign_admitted(selector, ports)
            made.append(PlannedObject("EnvoyFilter", service.namespace, object_name(service, f"peers{of}"), opened))
    return made


def _workloads(available: AvailableService) -> dict[str, Workload]:
    """Return what stands behind a service by mesh, also where it is not exported at the moment."""
    return {**available.guarded, **available.workloads}


def _by_selector(workloads: Mapping[str, Workload]) -> dict[str, tuple[Mapping[str, str], list[int]]]:
    """Return each selector, and the ports of the pods that it selects, by the first cluster that has it."""
    found = dict[str, tuple[Mapping[str, str], list[int]]]()
    for cluster, workload in workloads.items():
        if all(workload.selector != selector for selector, _ in found.values()):
            alike = [other for other in workloads.values() if other.selector == workload.selector]
            ports = sorted({number for other in alike for number in other.pod_ports})
            found[cluster] = workload.selector, ports
    return found
