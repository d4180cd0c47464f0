"""An exported service: the input of its routes, whichever stack's meshes export it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from components import istio


@dataclass(frozen=True)
class ExportedService:
    """A service that one or more meshes export to the others, with the exports of this stack and of its peers.

    `service_account` and `callers` apply only to this stack's meshes: a peer's stack configures its own.
    """

    name: str
    namespace: str
    suffix: str
    port: int
    weights: Mapping[str, int]
    """The weight of every mesh that exports the service, this stack's and its peers', sorted by mesh name."""
    callers: Sequence[str]
    """`<mesh>` or `<mesh>/ns/<namespace>/sa/<service account>`, of known meshes only."""
    split: Literal["failover", "weighted"] = "failover"
    ingress_hosts: Sequence[str] = ()
    service_account: str = "default"
    """The identity of the workloads in this stack's meshes."""
    peer_accounts: Mapping[str, str] = field(default_factory=dict)
    """The identity of the workloads in each peer's mesh."""

    @property
    def global_name(self) -> str:
        """The name under which every mesh finds the service."""
        return f"{self.name}.{self.namespace}.{self.suffix}"

    @property
    def local_host(self) -> str:
        """The Service's name in its own cluster, and in all clusters of a single mesh."""
        return istio.local_host(self.name, self.namespace)

    @property
    def failover(self) -> bool:
        """Whether the other meshes take over the share of a lost mesh."""
        return self.split == "failover"

    def account_in(self, mesh: str) -> str:
        """Return the service account of the workloads in a mesh."""
        return self.peer_accounts.get(mesh, self.service_account)
