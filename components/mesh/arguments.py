"""What a mesh is made from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

import pulumi

from components.clusters.cluster import Cluster, Platform
from components.mesh import charts, served
from components.mesh.ingress import Https
from components.mesh.revisions import ControlPlanes
from components.mesh.roles import Role
from components.trust.ca import IntermediateCa
from components.trust.found_ca import FoundCa
from components.trust.requested_ca import IssuedCa

if TYPE_CHECKING:
    from components.mesh.mesh import Mesh


class MeshArgs(TypedDict):
    """The arguments of a mesh."""

    cluster: Cluster
    platform: Platform
    """The cluster's platform, with the user's settings merged over it."""
    role: Role
    ca: IntermediateCa | IssuedCa | FoundCa
    """The CA of the control plane that serves the cluster: its own, the primary's, or somebody else's."""
    control_planes: ControlPlanes
    """Which control planes run in the cluster."""
    revocation_lists: pulumi.Output[str] | None
    """The revocation lists (PEM) that its proxies check; None if no CA is revoked."""
    primary: "Mesh | None"
    """The mesh whose control plane serves the cluster; None if the cluster has its own."""
    served_from: served.Networks | None
    """The only CIDRs that may reach its istiod through its gateway; None restricts nothing."""
    networks: charts.Values
    """Istio's MeshNetworks: the gateways of a single mesh whose addresses are known beforehand."""
    exports: Sequence[str]
    """The Services (`<name>.<namespace>.svc.cluster.local`) that peers may reach through the gateway."""
    ingress_hosts: Sequence[str]
    """The hosts for which the gateway accepts requests from outside."""
    https: Https | None
    """HTTPS for requests from outside; None for plain HTTP alone."""
    https_port: int
    """The port at which clients reach it, for plain HTTP to be redirected to."""
    spanning: Sequence[str]
    """The Services that span the clusters of a single mesh, by their host name in each cluster."""
    suffix: str
    """The end of the global names, by which services are called between meshes."""
    cni: bool
    """Whether Istio's CNI node agent runs in the cluster, in place of the init containers of pods."""
