"""What keeps callers from a Service that is as it should be. Pure functions."""

from collections.abc import Collection, Iterable, Mapping

from components.federation.exported_service import ExportedService
from components.federation.inventory import Inventory
from components.federation.pods import Pod
from components.federation.policies import Policy, named, without_mutual_tls
from components.mesh.roles import Role
from multimesh.control_plane import INSTALLED, ControlPlane


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


def notes(
    mesh: str, inventory: Inventory, services: Iterable[ExportedService], plane: ControlPlane = INSTALLED
) -> list[str]:
    """Return a line for names that pods of a mesh miss.

    Only namespaces that services or their callers name are known to call.
    """
    names = [service.global_name for service in services]
    root = plane.root_namespace
    calling = {root, *(service.namespace for service in services)}
    for service in services:
        calling |= {caller.split("/")[2] for caller in service.callers if caller.startswith(f"{mesh}/ns/")}
    hiding = [one for one in inventory.policies if one.namespace in calling and one.hides(*names)]
    if not hiding:
        return []
    return [
        f"mesh {mesh}: {named(hiding)} hides global names from pods: add {root}/* to the hosts of its "
        "egress if they call one"
    ]


def refused(mesh: str, inventory: Inventory, services: Iterable[ExportedService]) -> list[str]:
    """Return a line for each namespace of exported services that refuses the init container of their sidecars.

    It has NET_ADMIN. https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """
    names = dict[str, list[str]]()
    for service in services:
        if mesh in service.weights and inventory.levels.get(service.namespace) in ("baseline", "restricted"):
            names.setdefault(service.namespace, []).append(service.short_name)
    return [
        f"mesh {mesh}: namespace {namespace} enforces the Pod Security level {inventory.levels[namespace]}, which "
        f"refuses the init container of sidecars, so no new pod of {', '.join(of)} starts: set istio.cni: true of the "
        "mesh, or another level"
        for namespace, of in names.items()
    ]


def _labels(selector: Mapping[str, str], pods: Mapping[str, Pod]) -> list[Mapping[str, str]]:
    """Return the labels of each pod; what the Service selects if there is none."""
    return [pod.labels for pod in pods.values()] or [selector]
