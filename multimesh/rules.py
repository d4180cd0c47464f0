"""The objects of others that decide what sidecars do with a name, in `preview` and `check` alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multimesh import gateway_api
from multimesh.control_plane import INSTALLED
from multimesh.hosts import local_host

KINDS = ("VirtualService", "DestinationRule", "ServiceEntry", *gateway_api.KINDS)
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
    root: str = INSTALLED.root_namespace
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

    @property
    def is_default(self) -> bool:
        """Whether it is a DestinationRule for all hosts that have none of their own."""
        wildcards = all(host.startswith("*") for host in self.hosts)
        return wildcards and self.kind == "DestinationRule" and self.namespace == self.root


def rule(kind: str, found: Mapping[str, Any], root: str = INSTALLED.root_namespace) -> Rule | None:
    """Return what an object of the API server decides; None if it is for gateways alone."""
    metadata, spec = found["metadata"], found.get("spec") or {}
    namespace = metadata["namespace"]
    if kind in gateway_api.KINDS:
        hosts = gateway_api.hosts(kind, found, root)
        return Rule(kind, namespace, metadata["name"], hosts, root=root) if hosts else None
    if kind == "VirtualService" and "mesh" not in (spec.get("gateways") or ["mesh"]):
        return None
    given = [spec.get("host", "")] if kind == "DestinationRule" else spec.get("hosts") or []
    # Istio takes a host without a dot as a Service of the object's namespace.
    hosts = [host if "." in host or host == "*" else local_host(host, namespace) for host in given]
    says = {key: value for key, value in spec.items() if key != "host" and value}
    plain = kind == "DestinationRule" and _mutual_tls_alone(says)
    return Rule(kind, namespace, metadata["name"], hosts, plain, root)


def _mutual_tls_alone(says: Mapping[str, Any]) -> bool:
    return says.keys() <= {"trafficPolicy", "exportTo"} and says.get("trafficPolicy") in (None, _MUTUAL_TLS)
