"""The whole configuration of a stack, as one model."""

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from components.clusters.existing.settings import ExistingClusterSettings
from components.clusters.kinds import ClusterSettings
from components.mesh.ingress_settings import IngressSettings
from components.mesh.settings import IstioSettings, MeshIstioSettings
from components.mesh.topology import MultiMesh, SingleMesh, Topology
from components.schema import names
from components.schema.strict import Strict
from components.settings.service import ServiceSettings
from components.trust.settings import TrustSettings
from multimesh.hosts import CLUSTER_DOMAIN


class MeshSettings(Strict):
    """One mesh: its cluster, and the trust domain of its workloads (default: `<mesh>.mesh`).

    The aliases are trust domains of the same mesh: one that its workloads still have, or will have.
    """

    cluster: Annotated[ClusterSettings, Field(discriminator="kind")]
    trust_domain: names.TrustDomain | None = None
    trust_domain_aliases: list[names.TrustDomain] = []
    istio: MeshIstioSettings = MeshIstioSettings()


def _at_most_100(meshes: dict[str, MeshSettings], info: ValidationInfo) -> dict[str, MeshSettings]:
    issues_only = not meshes and (info.context or {}).get("issues", False)
    if not 1 <= len(meshes) <= 100 and not issues_only:
        raise ValueError("must have 1 to 100 meshes")
    return meshes


class Settings(Strict):
    """The whole configuration of a stack."""

    meshes: Annotated[dict[names.Label, MeshSettings], AfterValidator(_at_most_100)]
    peers: list[names.StackName] = []
    services: list[ServiceSettings] = []
    suffix: names.Suffix = "global"
    trust: TrustSettings = TrustSettings()
    istio: IstioSettings = IstioSettings()
    sample: bool = True
    sample_image: str | None = None
    topology: Topology = MultiMesh()
    ingress: IngressSettings | None = None

    @field_validator("ingress", mode="before")
    @classmethod
    def _empty_is_none(cls, given: Any) -> Any:
        # The project file declares the key, and a declared key must have a value.
        return None if given == {} else given

    def without(self, meshes: Collection[str]) -> "Settings":
        """Return these settings without some of the meshes, and without the services that only those export."""
        if not meshes:
            return self
        services = [service.without(meshes) for service in self.services]
        return self.model_copy(
            update={
                "meshes": {name: mesh for name, mesh in self.meshes.items() if name not in meshes},
                "services": [service for service in services if service.meshes],
            }
        )

    def trust_domains(self, mesh: str) -> list[str]:
        """Return the trust domain of a mesh of this stack, and then its aliases."""
        if isinstance(self.topology, SingleMesh):
            return [self.topology.trust_domain, *self.topology.trust_domain_aliases]
        about = self.meshes[mesh]
        return [about.trust_domain or names.default_trust_domain(mesh), *about.trust_domain_aliases]

    @property
    def joined(self) -> list[str]:
        """The meshes whose control plane somebody else runs."""
        return [name for name, mesh in self.meshes.items() if not mesh.istio.install]

    def cluster_domain(self, mesh: str) -> str:
        """Return the end of the names of the Services in a mesh's cluster."""
        cluster = self.meshes[mesh].cluster
        return cluster.dns_domain if isinstance(cluster, ExistingClusterSettings) else CLUSTER_DOMAIN

    @property
    def flat(self) -> bool:
        """Whether pods reach pods of other clusters directly."""
        return isinstance(self.topology, SingleMesh) and self.topology.network == "flat"

    def is_read_by_others(self, mesh: str) -> bool:
        """Return whether control planes of other clusters read a cluster's endpoints from its API server."""
        return isinstance(self.topology, SingleMesh) and mesh != self.topology.primary

    def exported_by(self, mesh: str) -> list[ServiceSettings]:
        """Return the services that a mesh exports."""
        return [service for service in self.services if mesh in service.meshes]

    def reached_through(self, mesh: str) -> list[str]:
        """Return the Services that other clusters reach through a mesh's gateway, by their names inside."""
        if self.flat or self.topology.kind == "single-cluster":
            return []
        services = self.services if self.topology.kind == "single-mesh" else self.exported_by(mesh)
        return [service.local_host for service in services]

    @property
    def ingress_hosts(self) -> list[str]:
        """The hosts of all services at the ingress."""
        return [host for service in self.services for host in service.ingress_hosts]

    @property
    def https_hosts(self) -> list[str]:
        """The hosts for which the ingress has a certificate; none without HTTPS."""
        if self.ingress is None:
            return []
        return sorted(set(self.ingress.hosts or self.ingress_hosts))

    def notes(self) -> list[str]:
        """Return a line for each setting that is allowed but may surprise the user."""
        return [*self._alone(), *self._open_to_all()]

    def _alone(self) -> list[str]:
        if len(self.meshes) != 1 or self.peers or self.topology.kind == "single-cluster":
            return []
        (mesh,) = self.meshes
        return [f"multimesh:meshes: {mesh} is the only mesh, so the services it exports have no peer to fail over to"]

    def _open_to_all(self) -> list[str]:
        """Return a line if nothing restricts who reaches the control plane that serves other clusters."""
        topology = self.topology
        if not isinstance(topology, SingleMesh) or topology.primary is None or topology.served_from is not None:
            return []
        if "existing" not in {mesh.cluster.kind for mesh in self.meshes.values()}:
            return []
        return [
            f"multimesh:topology: who reaches the gateway of {topology.primary} reaches istiod there, at ports 15012 "
            "and 15017: set topology.served_from to the networks from which the other clusters connect, or restrict "
            "the ports by a firewall of your own"
        ]
