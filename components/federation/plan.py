"""Planned Istio objects of exported services."""

from dataclasses import dataclass, replace

from components import istio
from components.federation.exported_service import ExportedService


@dataclass(frozen=True)
class PlannedObject:
    """One Istio object in one mesh."""

    kind: str
    namespace: str
    name: str
    spec: istio.Spec


def placed(one: PlannedObject, root_namespace: str) -> PlannedObject:
    """Return an object as it is in a mesh whose root namespace is not istio-system but this one."""
    if root_namespace == istio.NAMESPACE or one.namespace != istio.NAMESPACE:
        return one
    spec = dict(one.spec)
    if "gateways" in spec:
        spec["gateways"] = [name.replace(f"{istio.NAMESPACE}/", f"{root_namespace}/") for name in spec["gateways"]]
    return replace(one, namespace=root_namespace, spec=spec)


def planned(service: ExportedService, kind: str, spec: istio.Spec, ending: str = "") -> PlannedObject:
    """Return an object of a service in istio-system."""
    return PlannedObject(kind, istio.NAMESPACE, object_name(service, ending), spec)


def object_name(service: ExportedService, ending: str = "") -> str:
    """Return the name of a service's object: its global name, and what it is about if that is not all of it.

    It is unique for its kind in a cluster: all global names end with the same suffix.
    """
    return ".".join(filter(None, [service.global_name, ending]))


def former_names(service: ExportedService) -> list[str]:
    """Return the names of a service's rules in a stack whose last update made each of them a resource."""
    return [service.short_name, f"{service.short_name}-own-name", f"{service.short_name}.own-name"]
