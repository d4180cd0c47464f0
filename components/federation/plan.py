"""Istio objects of an exported service: what they are is known at once, their specs once addresses are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from components import istio
from components.federation.exported_service import ExportedService
from components.federation.workload import Workload


@dataclass(frozen=True)
class Resolved:
    """What is known only once clusters are up: the address of each mesh's gateway, and what runs in a mesh."""

    gateways: Mapping[str, str] = field(default_factory=dict)
    workloads: Mapping[str, Workload] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedObject:
    """One Istio object in one mesh.

    `suffix` ends its resource name. `spec` reads from what is resolved nothing but the `gateways` and `workloads` of
    the meshes listed here, so the object depends on these alone.
    """

    kind: str
    suffix: str
    namespace: str
    name: str
    spec: Callable[[Resolved], istio.Spec]
    gateways: Sequence[str] = ()
    workloads: Sequence[str] = ()


def fixed(service: ExportedService, kind: str, suffix: str, spec: istio.Spec, ending: str = "") -> PlannedObject:
    """Return an object in Istio's own namespace whose spec depends on nothing that is yet to be resolved."""
    return PlannedObject(kind, suffix, istio.NAMESPACE, object_name(service, ending), lambda _resolved: spec)


def object_name(service: ExportedService, ending: str = "") -> str:
    """Return the name of a service's object, which is unique among those of its kind in a cluster."""
    return f"{service.name}.{service.namespace}{ending}"
