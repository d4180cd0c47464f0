"""Planned Istio objects of an exported service: their specs may wait for addresses that are not known yet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from components import istio
from components.federation.exported_service import ExportedService
from components.federation.workload import Workload


@dataclass(frozen=True)
class Resolved:
    """Values that are known only when clusters are up: each mesh's gateway address, and the workload in a mesh."""

    gateways: Mapping[str, str] = field(default_factory=dict)
    workloads: Mapping[str, Workload] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedObject:
    """One Istio object in one mesh.

    `suffix` is the end of its resource name. `spec` may read only the `gateways` and `workloads` of the meshes listed
    here, so the object depends only on these.
    """

    kind: str
    suffix: str
    namespace: str
    name: str
    spec: Callable[[Resolved], istio.Spec]
    gateways: Sequence[str] = ()
    workloads: Sequence[str] = ()


def fixed(service: ExportedService, kind: str, suffix: str, spec: istio.Spec, ending: str = "") -> PlannedObject:
    """Return an object in istio-system whose spec does not depend on resolved values."""
    return PlannedObject(kind, suffix, istio.NAMESPACE, object_name(service, ending), lambda _resolved: spec)


def object_name(service: ExportedService, ending: str = "") -> str:
    """Return the name of a service's object; it is unique for its kind in a cluster."""
    return f"{service.name}.{service.namespace}{ending}"
