"""An exported service: all that its routes are made from, whichever stack's meshes export it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from components import istio


@dataclass(frozen=True)
class ExportedService:
    """A service that one or more meshes offer to the others, as every member of the federation contributes to it.

    `service_account` and `callers` hold in this stack's meshes alone: what a peer exports, its own stack configures.
    """

    name: str
    namespace: str
    suffix: str
    port: int
    weights: Mapping[str, int]
    """Of every mesh that exports the service, this stack's and its peers', in the order of the meshes' names."""
    callers: Sequence[str]
    """`<mesh>` or `<mesh>/ns/<namespace>/sa/<service account>`, of meshes that are known."""
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
        """Whether the others take over the share of a mesh that is lost."""
        return self.split == "failover"

    def account_in(self, mesh: str) -> str:
        """Return the service account that a mesh's workloads have."""
        return self.peer_accounts.get(mesh, self.service_account)
