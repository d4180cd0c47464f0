"""Which services to ask, on which ports, and who should answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from multimesh.contract import SAMPLE, Protocol, VerifyOutputs
from multimesh.stack import OutputsError


@dataclass(frozen=True)
class Port:
    """A port of a service. `weights` are by mesh; one that is not in them does not export the service."""

    service: str
    """The global name."""
    number: int
    protocol: Protocol
    weights: Mapping[str, int]
    prefer: Literal["weights", "local"] | Sequence[str]

    @property
    def address(self) -> str:
        """Return `<global name>:<number>`."""
        return f"{self.service}:{self.number}"

    def shares(self, asked: str) -> dict[str, float]:
        """Return the share of the requests (0 to 1) that each mesh of the weights answers when mesh `asked` calls."""
        able = [mesh for mesh, weight in self.weights.items() if weight]
        order = [asked] if self.prefer == "local" else [] if self.prefer == "weights" else self.prefer
        if first := next((mesh for mesh in order if mesh in able), None):
            return {mesh: float(mesh == first) for mesh in self.weights}
        return {mesh: weight / sum(self.weights.values()) for mesh, weight in self.weights.items()}


@dataclass(frozen=True)
class Selection:
    """What a run asks: whether the sample service, by its answers, and which `ports`, by the counters of a proxy."""

    sample: bool
    ports: Sequence[Port]
    not_asked: Mapping[str, str]
    """Global name -> why the service is not asked."""


def select(outputs: VerifyOutputs, sample: str, names: Sequence[str]) -> Selection:
    """Return what to ask; `sample` is the global name of the sample service.

    `names` chooses services by their global names or by `<name>.<namespace>`; without any, all are asked. Raises
    OutputsError when a name is unknown, or when it is the name of a service that must not be asked.
    """
    known = {*outputs.services, *outputs.probes, sample}
    chosen = [_full_name(name, known) for name in names] or sorted(known)
    ports: list[Port] = []
    not_asked: dict[str, str] = {}
    for service in dict.fromkeys(chosen):
        reason = _why_not(outputs, service)
        if not reason:
            probe, weights = outputs.probes[service], outputs.services[service]
            ports += [
                Port(service, number, protocol, weights, probe.prefer)
                for number, protocol in sorted(probe.ports.items())
                if (service, number) != (sample, SAMPLE.port)
            ]
        elif service != sample:
            not_asked[service] = reason
    if names and not_asked:
        raise OutputsError("; ".join(f"{service} cannot be asked: {reason}" for service, reason in not_asked.items()))
    return Selection(sample in chosen, ports, not_asked)


def _why_not(outputs: VerifyOutputs, service: str) -> str:
    """Return why a service is not asked; empty if it is asked."""
    if service not in outputs.probes:
        return "probe: none" if outputs.probes else "its ports are not in the outputs (`pulumi up` writes them)"
    if not any(outputs.services.get(service, {}).values()):
        return "no mesh exports it with a weight above 0"
    return ""


def _full_name(name: str, known: set[str]) -> str:
    for service in sorted(known):
        if service == name or (service.startswith(f"{name}.") and name.count(".") == 1):
            return service
    raise OutputsError(f"no service {name}: the stack has {', '.join(sorted(known))}")
