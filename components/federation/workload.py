"""The workload behind an exported Service in one mesh. Pure functions on what is in the mesh's cluster."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components import istio
from components.federation import hindrances, pods
from components.federation.exported_service import ExportedService
from components.federation.inventory import Inventory
from components.federation.plan import former_names
from components.federation.pods import Pod
from components.mesh.roles import Role
from components.ports import PROTOCOLS, Protocol
from multimesh.protocols import declared, said_by
from multimesh.rules import Rule


class UnusableServiceError(Exception):
    """A Service cannot be exported as configured; the message says why, and what to do."""


class NotExportedError(Exception):
    """A mesh does not export a Service for the time being; the message says why, and what to do.

    `workload` is what stands behind it, if that is known.
    """

    def __init__(self, message: str, workload: "Workload | None" = None) -> None:
        super().__init__(message)
        self.workload = workload


@dataclass(frozen=True)
class Workload:
    """The pods behind a Service. `protocols` and `targets` (the pods' ports) are by the Service's exported port.

    A workload is `assumed` in a preview of a cluster that does not answer yet.
    """

    selector: Mapping[str, str]
    protocols: Mapping[int, Protocol]
    targets: Mapping[int, Sequence[int]]
    headless: bool = False
    users_rules: Sequence[Rule] = ()
    """The user's VirtualServices and DestinationRules of the Service's own name."""
    pods: frozenset[str] = frozenset()
    """The pods' names."""
    assumed: bool = False
    unlisted: Sequence[int] = ()
    """The pods' ports behind the ports of the Service that are not exported."""

    @property
    def short_name(self) -> bool:
        """Whether the Service's own name is federated, too."""
        return not self.headless and not self.users_rules

    @property
    def pod_ports(self) -> set[int]:
        """The ports of the pods behind all exported ports."""
        return {number for numbers in self.targets.values() for number in numbers}


def assumed(service: ExportedService, before: Mapping[int, Protocol]) -> Workload:
    """Return the workload that a cluster will probably have, while it cannot be asked, by what it had `before`."""
    protocols: dict[int, Protocol] = {
        number: said or before.get(number, "http") for number, said in service.ports.items()
    }
    return Workload({}, protocols, {number: [number] for number in service.ports}, assumed=True)


def workload(service: ExportedService, inventory: Inventory, role: Role) -> Workload:
    """Return the workload behind a Service in a cluster of this role.

    Raise UnusableServiceError if it cannot be exported as configured, NotExportedError if it cannot at the moment.
    """
    name = (service.namespace, service.name)
    if name not in inventory.services:
        raise NotExportedError(f"there is no Service {service.namespace}/{service.name}: create it")
    spec, slices = inventory.services[name], inventory.slices.get(name, [])
    selector = _selector(spec)
    names = pods.answering(slices)
    found = {pod: inventory.pods[key] for pod in names if (key := (service.namespace, pod)) in inventory.pods}
    if _is_pinned(service, role):
        _with_identity(service, found)
    protocols, targets = dict[int, Protocol](), dict[int, Sequence[int]]()
    headless = spec.get("clusterIP") in (None, "", "None")
    for number, said in service.ports.items():
        port = _tcp_port(spec.get("ports") or [], number)
        protocols[number] = _protocol(port, number, said)
        targets[number] = _targets(port, slices)
        if headless and len(targets[number]) > 1:
            raise UnusableServiceError(
                f"port {number} is a different port in different pods, and the Service is headless: give it one "
                "number, or give the Service a cluster IP"
            )
    others = _of_others(inventory.rules, service)
    _alone(service.global_name, [rule for rule in others if _decides(rule, service.global_name)])
    about = [
        rule
        for rule in others
        if rule.kind != "ServiceEntry" and rule.about(*_names(service, role)) and not rule.is_default
    ]
    if role.one_mesh:
        _alone(service.local_host, about)
        if headless:
            raise UnusableServiceError(
                "is headless: in a single mesh its name is that of its pods; use topology multi-mesh, or a Service "
                "with a cluster IP"
            )
    users_rules = [rule for rule in about if not rule.mutual_tls_alone]
    made = Workload(
        selector, protocols, targets, headless, users_rules, names, unlisted=_unlisted(service, spec, slices)
    )
    missing = _without_sidecar(service, found, role) or hindrances.hidden(service, inventory, role)
    if away := missing or hindrances.bypassed(service, inventory.policies, selector, found, made.pod_ports):
        raise NotExportedError(away, made)
    return made


def _unlisted(service: ExportedService, spec: Mapping[str, Any], slices: Sequence[Mapping[str, Any]]) -> list[int]:
    ports = [port for port in spec.get("ports") or [] if port.get("protocol", "TCP") == "TCP"]
    other = [port for port in ports if int(port["port"]) not in service.ports]
    return sorted({number for port in other for number in pods.ports(port, slices)})


def _selector(spec: Mapping[str, Any]) -> dict[str, str]:
    if spec.get("type") == "ExternalName":
        raise UnusableServiceError("is of type ExternalName: export a Service that selects pods")
    if not spec.get("selector"):
        raise UnusableServiceError(
            "has no selector, so its pods, which must admit the callers, are not known: give it one"
        )
    return dict(spec["selector"])


def _without_sidecar(service: ExportedService, found: Mapping[str, Pod], role: Role) -> str | None:
    bare = sorted(name for name, pod in found.items() if not pod.sidecar)
    if not bare:
        return None
    some = f"pod {bare[0]} has" if len(bare) == 1 else f"{len(bare)} pods ({bare[0]}, ...) have"
    label = "=".join(role.plane.injection)
    inject = found[bare[0]].never_injected or f"label namespace {service.namespace} {label}"
    return f"{some} no sidecar: {inject}, and restart its pods"


def _is_pinned(service: ExportedService, role: Role) -> bool:
    """Return whether callers accept answers of the configured service account alone.

    In a single mesh istiod knows the pods' accounts, and its gateways alone call by the global name.
    """
    return not role.one_mesh or (role.network is not None and bool(service.ingress_hosts))


def _with_identity(service: ExportedService, found: Mapping[str, Pod]) -> None:
    for name, pod in sorted(found.items()):
        if pod.service_account != service.service_account:
            raise UnusableServiceError(
                f"pod {name} runs as service account {pod.service_account}, not {service.service_account}: "
                f"set service_account: {pod.service_account}, or give all its pods, in all meshes, one account"
            )


def _tcp_port(ports: Sequence[Mapping[str, Any]], number: int) -> Mapping[str, Any]:
    """Return the TCP port with this number: HTTP/3 shares the number of HTTPS, on UDP."""
    with_number = [port for port in ports if int(port["port"]) == number]
    for port in with_number:
        if port.get("protocol", "TCP") == "TCP":
            return port
    if with_number:
        transport = with_number[0]["protocol"]
        raise UnusableServiceError(f"port {number} is {transport}: only TCP ports can be exported, list another")
    has = ", ".join(dict.fromkeys(str(int(port["port"])) for port in ports)) or "none"
    raise UnusableServiceError(f"there is no port {number}; list one of those that it has: {has}")


def _protocol(port: Mapping[str, Any], number: int, said: Protocol | None) -> Protocol:
    protocol = declared(port)
    if protocol is None and said is None:
        raise UnusableServiceError(
            f"port {number} does not say its protocol by its name or appProtocol: list it as "
            f"{{number: {number}, protocol: ...}}, one of {', '.join(PROTOCOLS)}"
        )
    if protocol and said and protocol != said:
        raise UnusableServiceError(f"port {number} is {protocol} by {said_by(port)}, not {said}: remove one of the two")
    return protocol or said or "http"


def _targets(port: Mapping[str, Any], slices: Iterable[Mapping[str, Any]]) -> list[int]:
    if found := pods.ports(port, slices):
        return found
    raise NotExportedError(
        f"port {int(port['port'])} is the pods' port {port['targetPort']}, and there is no pod to tell its number: "
        "start one, or give targetPort a number"
    )


def _of_others(rules: Iterable[Rule], service: ExportedService) -> list[Rule]:
    """Return the rules without those that the program made for the service under another name, and without a label."""
    former = former_names(service)
    return [rule for rule in rules if not (rule.namespace == istio.NAMESPACE and rule.name in former)]


def _names(service: ExportedService, role: Role) -> list[str]:
    """Return the Service's own name as its mesh's workloads may write it."""
    whole = service.host_in(role.plane.cluster_domain)
    return [service.short_name, f"{service.short_name}.svc", service.local_host, whole]


def _decides(rule: Rule, host: str) -> bool:
    return host in rule.hosts or rule.hides(host)


def _alone(host: str, others: Sequence[Rule]) -> None:
    if others:
        raise UnusableServiceError(
            f"{', '.join(map(str, others))} also decides about {host}, and Istio would use one of the two: delete it, "
            "narrow its host, or remove the service from multimesh:services"
        )
