"""What a stack may say: its whole configuration as one validated model, read here and nowhere else."""

import json
from typing import Annotated, Any

import pulumi
from pydantic import AfterValidator, Field, ValidationError, ValidationInfo

from components.clusters.kinds import ClusterSettings
from components.mesh.settings import IstioSettings
from components.mesh.topology import MultiMesh, SingleMesh, Topology
from components.schema import names, problems
from components.schema.problems import SettingsError
from components.schema.strict import Strict
from components.settings.service import ServiceSettings
from components.settings.single_mesh import contradictions
from components.trust.settings import TrustSettings
from multimesh import contract

SAMPLE = contract.SAMPLE.exported
"""The sample service, as `services` would list it."""


class MeshSettings(Strict):
    """One mesh: its cluster, and the trust domain of its workloads (`<mesh>.mesh` unless given)."""

    cluster: Annotated[ClusterSettings, Field(discriminator="kind")]
    trust_domain: names.TrustDomain | None = None


def _at_most_100(meshes: dict[str, MeshSettings], info: ValidationInfo) -> dict[str, MeshSettings]:
    issues_only = not meshes and (info.context or {}).get("issues", False)
    if not 1 <= len(meshes) <= 100 and not issues_only:
        raise ValueError("1 to 100 meshes are wanted")
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
    topology: Annotated[Topology, Field(discriminator="kind")] = MultiMesh()

    def trust_domain(self, mesh: str) -> str:
        """Return the trust domain of a mesh of this stack."""
        if isinstance(self.topology, SingleMesh):
            return self.topology.trust_domain
        return self.meshes[mesh].trust_domain or names.default_trust_domain(mesh)

    @property
    def flat(self) -> bool:
        """Whether pods are to reach those of other clusters directly."""
        return isinstance(self.topology, SingleMesh) and self.topology.network == "flat"

    def exported_by(self, mesh: str) -> list[ServiceSettings]:
        """Return the services that a mesh offers to its peers."""
        return [service for service in self.services if mesh in service.meshes]

    def reached_through(self, mesh: str) -> list[str]:
        """Return the Services that other clusters reach through this one's gateway, by their names inside."""
        if self.flat or self.topology.kind == "single-cluster":
            return []
        services = self.services if self.topology.kind == "single-mesh" else self.exported_by(mesh)
        return [service.local_host for service in services]

    def notes(self) -> list[str]:
        """Return what is allowed but may surprise: a line each."""
        if len(self.meshes) != 1 or self.peers or self.topology.kind == "single-cluster":
            return []
        (mesh,) = self.meshes
        return [f"multimesh:meshes: {mesh} is the only mesh, so the services it exports have no peer to fail over to"]


def validate(raw: dict[str, Any]) -> Settings:
    """Check a whole configuration. Raises SettingsError naming every mistake."""
    meshes = raw.get("meshes")
    issues = isinstance(trust := raw.get("trust"), dict) and bool(trust.get("issues"))
    context = {
        "meshes": list(meshes) if isinstance(meshes, dict) else [],
        "peers": bool(raw.get("peers")),
        "issues": issues,
    }
    found = problems.clashes(raw) + problems.sample_mistakes(raw, SAMPLE) + contradictions(raw, SAMPLE)
    try:
        settings = Settings.model_validate(raw, context=context)
    except ValidationError as error:
        found += problems.of(error, Settings)
    else:
        if not found:
            return settings
    raise SettingsError(problems.report(found))


def read() -> Settings:
    """Read the stack's configuration, and ask nobody else. Raises SettingsError naming every mistake."""
    return validate(_configuration())


def _configuration() -> dict[str, Any]:
    """Return every key of the project's namespace; whatever reads as JSON is taken for it."""
    prefix = f"{pulumi.get_project()}:"
    stored = pulumi.runtime.config.CONFIG.get() or pulumi.runtime.get_config_env()
    raw: dict[str, Any] = {}
    for key, value in stored.items():
        if key.startswith(prefix):
            name = key.removeprefix(prefix)
            raw[name] = value if name in ("suffix", "sample_image") else _parsed(value)
    return raw


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
