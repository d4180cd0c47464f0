"""The parts of a configuration that are valid by themselves, to be checked against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from components.mesh.ingress_settings import IngressSettings
from components.mesh.settings import IstioSettings
from components.mesh.topology import MultiMesh, SingleCluster, SingleMesh, Topology
from components.settings.service import ServiceSettings
from components.settings.stack import MeshSettings
from components.trust.settings import TrustSettings


@dataclass(frozen=True)
class Parts:
    """Typed parts: `meshes` by name, `services` by their index in the list.

    `mesh_names` are the names of all meshes, valid or not. The default replaces an invalid topology, istio or trust.
    """

    mesh_names: Sequence[str]
    meshes: Mapping[str, MeshSettings]
    services: Mapping[int, ServiceSettings]
    peers: Sequence[Any]
    topology: Topology
    istio: IstioSettings
    trust: TrustSettings
    ingress: IngressSettings | None
    sample: bool

    @classmethod
    def valid(cls, typed: Mapping[str, Any], mesh_names: Sequence[str]) -> Self:
        """Return the valid parts of a configuration, which must already have their types."""
        meshes, services, topology = typed.get("meshes"), typed.get("services"), typed.get("topology")
        return cls(
            mesh_names,
            {name: mesh for name, mesh in _items(meshes) if isinstance(mesh, MeshSettings)},
            {index: service for index, service in _items(services) if isinstance(service, ServiceSettings)},
            peers if isinstance(peers := typed.get("peers"), list) else [],
            topology if isinstance(topology, SingleCluster | SingleMesh) else MultiMesh(),
            istio if isinstance(istio := typed.get("istio"), IstioSettings) else IstioSettings(),
            trust if isinstance(trust := typed.get("trust"), TrustSettings) else TrustSettings(),
            ingress if isinstance(ingress := typed.get("ingress"), IngressSettings) else None,
            typed.get("sample") is not False,
        )


def _items(values: Any) -> Sequence[tuple[Any, Any]]:
    if isinstance(values, dict):
        return list(values.items())
    return list(enumerate(values)) if isinstance(values, list) else []
