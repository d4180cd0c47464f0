"""What keeps callers from a Service that is as it should be, or annuls a restriction of its owner. Pure functions."""

from collections.abc import Collection, Iterable, Mapping

from components.federation.exported_service import ExportedService
from components.federation.inventory import Inventory
from components.federation.pods import Pod
from components.federation.policies import Policy, without_mutual_tls
from components.mesh.roles import Role
from multimesh.contract import INSTALLED, ControlPlane

_NAMED_AT_MOST = 5


def hidden(service: ExportedService, inventory: Inventory, role: Role) -> str | None:
    """Return why the gateway cannot forward requests to a Service, and what to do; None if it can, or need not.

    A Service is visible to the namespaces of its annotation alone, and the gateway is in istio-system.
    https://istio.io/latest/docs/reference/config/annotations/#NetworkingExportTo
    """
    said = inventory.visible.get((service.namespace, service.name))
    needed = not role.one_mesh or role.network is not None or service.ingress_hosts
    if not said or not needed or {"*", role.plane.root_namespace} & {to.strip() for to in said.split(",")}:
        return None
    return (
        f"its annotation networking.istio.io/exportTo is {said!r}, which hides the Service from the gateway: add "
        f"{role.plane.root_namespace} to it, or remove it"
    )


def bypassed(
    service: ExportedService,
    policies: Collection[Policy],
    selector: Mapping[str, str],
    pods: Mapping[str, Pod],
    ports: Iterable[int],
) -> str | None:
    """Return why callers' mutual TLS would end at no sidecar at one of the pods' ports, and what to do."""
    for port in sorted(ports):
        for name, pod in sorted(pods.items()):
            if annotation := pod.around_sidecar(port):
                what = "take the port out of it" if "exclude" in annotation else "add the port to it"
                return (
                    f"requests to port {port} of pod {name} do not pass its sidecar, by its annotation {annotation}: "
                    f"{what}, restart the pods"
                )
        for labels in _labels(selector, pods):
            if disabling := without_mutual_tls(policies, service.namespace, labels, port):
                return f"{disabling} turns mutual TLS off at port {port} of its pods: set STRICT or PERMISSIVE there"
    return None


def restricted(
    service: ExportedService, policies: Iterable[Policy], selector: Mapping[str, str], pods: Mapping[str, Pod]
) -> list[Policy]:
    """Return the user's policies that restrict a Service's pods by an ALLOW, to which the service's own would add."""
    labels = _labels(selector, pods)
    return [one for one in policies if one.restricts and any(one.holds_for(service.namespace, of) for of in labels)]


def notes(
    mesh: str, inventory: Inventory, services: Iterable[ExportedService], plane: ControlPlane = INSTALLED
) -> list[str]:
    """Return a line for restrictions of the user's that have no effect in a mesh, and one for names that pods miss.

    Only namespaces that services or their callers name are known to call.
    """
    names = [service.global_name for service in services]
    root = plane.root_namespace
    calling = {root, *(service.namespace for service in services)}
    for service in services:
        calling |= {caller.split("/")[2] for caller in service.callers if caller.startswith(f"{mesh}/ns/")}
    found = list[str]()
    if plane.installed and (
        annulled := [one for one in inventory.policies if one.restricts and not _for_gateways(one)]
    ):
        found.append(
            f"mesh {mesh}: {_named(annulled)} cannot refuse workloads of this mesh, as Istio admits whom any ALLOW "
            "admits, and own-identities in istio-system admits all of them: refuse by a DENY"
        )
    if hiding := [one for one in inventory.policies if one.namespace in calling and one.hides(*names)]:
        found.append(
            f"mesh {mesh}: {_named(hiding)} hides global names from pods: add {root}/* to the hosts of its "
            "egress if they call one"
        )
    return found


def _for_gateways(one: Policy) -> bool:
    return one.namespace == one.root and bool(one.selector)


def _labels(selector: Mapping[str, str], pods: Mapping[str, Pod]) -> list[Mapping[str, str]]:
    """Return the labels of each pod; what the Service selects if there is none."""
    return [pod.labels for pod in pods.values()] or [selector]


def _named(policies: Collection[Policy]) -> str:
    names = sorted(map(str, policies))
    more = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
