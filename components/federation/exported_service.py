"""An exported service as it is configured: the input of its routes, whichever stack's meshes export it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from components.ports import Protocol
from multimesh.hosts import local_host


@dataclass(frozen=True)
class ExportedService:
    """A service that one or more meshes export to the others, with the exports of this stack and of its peers.

    `service_account` and `callers` apply only to this stack's meshes: a peer's stack configures its own.
    """

    name: str
    namespace: str
    suffix: str
    ports: Mapping[int, Protocol | None]
    """The exported ports, with the protocol that the configuration says; None where the Service must say it."""
    weights: Mapping[str, int]
    """The weight of every mesh that exports the service, this stack's and its peers', sorted by mesh name."""
    callers: Sequence[str]
    """`<mesh>`, `<mesh>/ns/<namespace>` or `<mesh>/ns/<namespace>/sa/<service account>`, of known meshes only."""
    callers_listed: bool = True
    """Whether the configuration lists the callers; otherwise they are all meshes."""
    split: Literal["failover", "weighted"] = "failover"
    prefer: Literal["weights", "local"] | Sequence[str] = "weights"
    """Which meshes answer first: by weight, a caller's own mesh, or those of an order."""
    timeout: str | None = None
    """How long a request may take, as Istio writes it."""
    retries: Mapping[str, Any] | None = None
    """Istio's HTTPRetry; None for retries by method."""
    ingress_hosts: Sequence[str] = ()
    service_account: str = "default"
    """The identity of the workloads in this stack's meshes."""
    peer_accounts: Mapping[str, str] = field(default_factory=dict)
    """The identity of the workloads in each peer's mesh."""
    peer_ports: Mapping[str, Mapping[int, Protocol]] = field(default_factory=dict)
    """The ports that each peer's mesh exports, with their protocols."""
    probe: bool = True
    """Whether `multimesh verify` may call it."""
    number: int | None = None
    """Its place in `multimesh:services`; None if only peers export it."""

    @property
    def short_name(self) -> str:
        """`<name>.<namespace>`, as callers in its own cluster write it."""
        return f"{self.name}.{self.namespace}"

    @property
    def global_name(self) -> str:
        """The name under which every mesh finds the service."""
        return f"{self.short_name}.{self.suffix}"

    @property
    def local_host(self) -> str:
        """The name by which peers ask for the Service, and its name in a cluster of the usual domain."""
        return local_host(self.name, self.namespace)

    def host_in(self, domain: str) -> str:
        """Return the Service's name in a cluster of this domain."""
        return local_host(self.name, self.namespace, domain)

    def account_in(self, mesh: str) -> str:
        """Return the service account of the workloads in a mesh."""
        return self.peer_accounts.get(mesh, self.service_account)
