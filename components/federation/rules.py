"""The objects of others that decide what sidecars do with a name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components import istio
from components.federation.cluster_objects import is_own

_GATEWAY_API = "/apis/gateway.networking.k8s.io"
PATHS = {
    "VirtualService": "/apis/networking.istio.io/v1/virtualservices",
    "DestinationRule": "/apis/networking.istio.io/v1/destinationrules",
    "ServiceEntry": "/apis/networking.istio.io/v1/serviceentries",
    "HTTPRoute": f"{_GATEWAY_API}/v1/httproutes",
    "GRPCRoute": f"{_GATEWAY_API}/v1/grpcroutes",
    "TCPRoute": f"{_GATEWAY_API}/v1alpha2/tcproutes",
}
"""Where the API server lists each kind."""

_ROUTES = ("HTTPRoute", "GRPCRoute", "TCPRoute")
_MUTUAL_TLS = {"tls": {"mode": "ISTIO_MUTUAL"}}


@dataclass(frozen=True)
class Rule:
    """An object that has hosts: its kind, namespace, name and hosts, which may begin with `*`."""

    kind: str
    namespace: str
    name: str
    hosts: Sequence[str]
    mutual_tls_alone: bool = False
    """Whether it is a DestinationRule that asks for mutual TLS and nothing else, as sidecars do by themselves."""
    root: str = istio.NAMESPACE
    """The namespace whose objects hold for the whole mesh."""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    def about(self, *names: str) -> bool:
        """Return whether it is about one of the names of a host."""
        return any(
            given in names or (given.startswith("*") and any(name.endswith(given[1:]) for name in names))
            for given in self.hosts
        )

    def hides(self, host: str) -> bool:
        """Return whether it keeps a DestinationRule of `host` in the root namespace from callers, whatever it says.

        Istio looks in the caller's namespace first, where a wildcard is enough; within a namespace, the longest host
        wins. https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration
        """
        return self.kind == "DestinationRule" and self.namespace != self.root and self.about(host)


def rule(kind: str, found: Mapping[str, Any], root: str = istio.NAMESPACE) -> Rule | None:
    """Return what an object of the API server decides; None if it is for gateways alone, or the program's own."""
    metadata, spec = found["metadata"], found.get("spec") or {}
    if kind not in _ROUTES and is_own(kind, metadata):
        return None
    namespace = metadata["namespace"]
    if kind in _ROUTES:
        hosts = [host for parent in spec.get("parentRefs") or () if (host := _parent(parent, namespace))]
        return Rule(kind, namespace, metadata["name"], hosts, root=root) if hosts else None
    if kind == "VirtualService" and "mesh" not in (spec.get("gateways") or ["mesh"]):
        return None
    given = [spec.get("host", "")] if kind == "DestinationRule" else spec.get("hosts") or []
    # Istio takes a host without a dot as a Service of the object's namespace.
    hosts = [host if "." in host or host == "*" else istio.local_host(host, namespace) for host in given]
    says = {key: value for key, value in spec.items() if key != "host" and value}
    plain = kind == "DestinationRule" and _mutual_tls_alone(says)
    return Rule(kind, namespace, metadata["name"], hosts, plain, root)


def _mutual_tls_alone(says: Mapping[str, Any]) -> bool:
    return says.keys() <= {"trafficPolicy", "exportTo"} and says.get("trafficPolicy") in (None, _MUTUAL_TLS)


def _parent(reference: Mapping[str, Any], namespace: str) -> str | None:
    """Return the host that a route is attached to; None for a gateway."""
    kind, name = reference.get("kind", "Gateway"), reference["name"]
    if kind == "Hostname":
        return name
    return istio.local_host(name, reference.get("namespace") or namespace) if kind == "Service" else None
