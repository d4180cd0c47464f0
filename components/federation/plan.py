"""Planned Istio objects of an exported service: their specs may wait for addresses that are not known yet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from components import istio
from components.federation.exported_service import ExportedService

OWN_NAME = ".own-name"
"""The ending of the name of an object about a Service's own name, beside one about its global name."""


@dataclass(frozen=True)
class PlannedObject:
    """One Istio object in one mesh.

    `suffix` is the end of its resource name. `spec` is given the gateway addresses by mesh, of those listed in
    `gateways` alone, so the object depends only on these.
    """

    kind: str
    suffix: str
    namespace: str
    name: str
    spec: Callable[[Mapping[str, str]], istio.Spec]
    gateways: Sequence[str] = ()


def fixed(service: ExportedService, kind: str, suffix: str, spec: istio.Spec, ending: str = "") -> PlannedObject:
    """Return an object in istio-system whose spec depends on no address."""
    return PlannedObject(kind, suffix, istio.NAMESPACE, object_name(service, ending), lambda _gateways: spec)


def object_name(service: ExportedService, ending: str = "") -> str:
    """Return the name of a service's object; it is unique for its kind in a cluster.

    In istio-system an ending begins with a dot, which no namespace has: `web.shop-ingress` may be another service.
    """
    return f"{service.short_name}{ending}"
