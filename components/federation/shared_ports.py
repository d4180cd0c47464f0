"""Ports that share an exported service's pods without being listed: its policies hold for them, too. Pure functions."""

from collections.abc import Iterable, Mapping

from components.federation import pods
from components.federation.exported_service import ExportedService
from components.federation.inventory import Inventory
from components.federation.workload import Workload

Place = tuple[str, int]
"""A Service, as `<name>.<namespace>`, and one of its ports."""


def shared_ports(service: ExportedService, inventory: Inventory, workload: Workload, listed: set[Place]) -> list[Place]:
    """Return the ports, except those `listed`, that lead to the same ports of the same pods as exported ones.

    A policy sees the port of the pods alone, so who may not call the service may not call these either.
    """
    found = list[Place]()
    beside = {name: spec for (namespace, name), spec in inventory.services.items() if namespace == service.namespace}
    for name, spec in sorted(beside.items()):
        slices = inventory.slices.get((service.namespace, name), [])
        if _same_pods(spec.get("selector") or {}, pods.answering(slices), workload):
            tcp = [port for port in spec.get("ports") or () if port.get("protocol", "TCP") == "TCP"]
            numbers = [int(port["port"]) for port in tcp if workload.pod_ports & set(pods.ports(port, slices))]
            found += [place for number in numbers if (place := (f"{name}.{service.namespace}", number)) not in listed]
    return found


def share(one: Workload, other: Workload) -> bool:
    """Return whether two exported services lead to the same ports of the same pods."""
    if one.assumed or other.assumed:
        return False
    return same_pods(one, other) and bool(one.pod_ports & other.pod_ports)


def same_pods(one: Workload, other: Workload) -> bool:
    """Return whether two services lead to the same pods, now, or by what the two select."""
    return _same_pods(one.selector, one.pods, other)


def _same_pods(selector: Mapping[str, str], names: Iterable[str], workload: Workload) -> bool:
    """Return whether pods are also the workload's, now, or by what the two select."""
    a, b = selector.items(), workload.selector.items()
    return bool(selector) and (bool(set(names) & workload.pods) or a <= b or b <= a)
