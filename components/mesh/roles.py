"""The role that each cluster has in the stack's topology."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from components.mesh.topology import Topology
from multimesh.control_plane import INSTALLED, ControlPlane

JOINED = "multimesh/joined"
"""The annotation of a pod that names the trust domain, network and control plane of its proxy."""


@dataclass(frozen=True)
class Role:
    """One cluster's role.

    `network` is the network of its pods if clusters reach each other through gateways. `primary` is the cluster whose
    control plane serves it; if None, it has its own control plane, which also `serves` the listed clusters. `read_by`
    are the other clusters whose control planes read its endpoints from its API server. `beside` are all other clusters
    of a single mesh. `federated` are the trust domains of the other meshes of the federation. `aliases` are other trust
    domains of this mesh. `plane` is its control plane, which somebody else may have installed.
    """

    cluster: str
    trust_domain: str
    one_mesh: bool = False
    network: str | None = None
    primary: str | None = None
    serves: Sequence[str] = ()
    read_by: Sequence[str] = ()
    beside: Sequence[str] = ()
    federated: Sequence[str] = ()
    aliases: Sequence[str] = ()
    plane: ControlPlane = INSTALLED

    @property
    def trust_domains(self) -> list[str]:
        """The trust domain that the mesh's workloads get, and those that they may still have."""
        return [self.trust_domain, *self.aliases]

    @property
    def mesh_config(self) -> dict[str, Any]:
        """The part of Istio's MeshConfig that names the mesh's own trust domains."""
        return {"trustDomain": self.trust_domain, **({"trustDomainAliases": [*self.aliases]} if self.aliases else {})}

    @property
    def joined(self) -> str:
        """The values that proxies read only when they start: a change must replace the pods."""
        revision = [self.plane.revision] if self.plane.suffix else []
        return "/".join([self.trust_domain, self.network or "", self.primary or self.cluster, *revision])


def roles(
    topology: Topology,
    clusters: Sequence[str],
    trust_domains: Mapping[str, Sequence[str]],
    planes: Mapping[str, ControlPlane] = MappingProxyType({}),
) -> dict[str, Role]:
    """Return the role of every cluster, a primary before those that it serves.

    `trust_domains` are by mesh: each mesh's own, and then its aliases. So are the control `planes`; of a mesh that is
    not named, it is one without a revision.
    """
    if topology.kind != "single-mesh":
        one_mesh = topology.kind == "single-cluster"
        return {
            name: Role(
                name,
                trust_domains[name][0],
                one_mesh,
                federated=sorted({domain for mesh in trust_domains if mesh != name for domain in trust_domains[mesh]}),
                aliases=tuple(trust_domains[name][1:]),
                plane=planes.get(name, INSTALLED),
            )
            for name in clusters
        }
    found = {}
    for name in sorted(clusters, key=lambda name: name != topology.primary):
        others = [other for other in clusters if other != name]
        served = topology.control_plane == "one" and name != topology.primary
        found[name] = Role(
            cluster=name,
            trust_domain=trust_domains[name][0],
            aliases=tuple(trust_domains[name][1:]),
            one_mesh=True,
            network=name if topology.network == "gateways" else None,
            primary=topology.primary if served else None,
            serves=others if name == topology.primary else [],
            read_by=others if topology.control_plane == "each" else [],
            beside=others,
        )
    return found
