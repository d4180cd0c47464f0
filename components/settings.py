"""What a stack may say: its whole configuration as one validated model, read here and nowhere else."""

import json
from typing import Annotated, Any, Literal

import pulumi
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from components import brought_root, names, problems
from components.clusters import kubeconfig as kubeconfigs


class SettingsError(pulumi.RunError):
    """The stack's configuration is wrong; the message lists every mistake with its path, value and what is allowed."""


SAMPLE = {"name": "echo", "namespace": "demo", "port": 80, "service_account": "echo"}
"""The sample service, as `services` would list it."""


class Strict(BaseModel):
    """A mapping of the configuration: no other keys, no conversions, no changes after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class GatewaySettings(Strict):
    """How an existing cluster exposes its gateway; ports are what is reached from outside."""

    service: Literal["LoadBalancer", "NodePort"] = "LoadBalancer"
    address: names.Address | None = Field(None, validate_default=True)
    port: names.Port | None = None
    ingress_port: names.Port | None = None

    @field_validator("address")
    @classmethod
    def _node_ports_have_an_address(cls, address: str | None, info: ValidationInfo) -> str | None:
        if address is None and info.data.get("service") == "NodePort":
            raise ValueError("an IP address or a DNS name is wanted, at which the node ports are reached")
        return address


class LocalClusterSettings(Strict):
    """A cluster of the lab, on this machine."""

    kind: Literal["local"]


class ExistingClusterSettings(Strict):
    """A cluster that a kubeconfig leads to, given as a path or as content."""

    kind: Literal["existing"]
    context: str | None = None
    kubeconfig: str
    gateway: GatewaySettings = Field(default_factory=lambda: GatewaySettings.model_validate({}))

    @field_validator("kubeconfig")
    @classmethod
    def _leads_to_a_cluster(cls, kubeconfig: str, info: ValidationInfo) -> str:
        kubeconfigs.load(kubeconfig, info.data.get("context"))
        return kubeconfig


ClusterSettings = LocalClusterSettings | ExistingClusterSettings


class MeshSettings(Strict):
    """One mesh: its cluster, and the trust domain of its workloads (`<mesh>.mesh` unless given)."""

    cluster: Annotated[ClusterSettings, Field(discriminator="kind")]
    trust_domain: names.TrustDomain | None = None


class BroughtRootSettings(Strict):
    """Paths of a root CA's PEM files."""

    certificate: str
    key: str


class TrustSettings(Strict):
    """The root (made, unless brought) and how long it and the meshes' intermediates are valid."""

    intermediate_days: names.Days = 365
    root_days: names.Days = 3650
    root: BroughtRootSettings | None = None
    protect: bool = False

    @field_validator("root_days")
    @classmethod
    def _outlives_intermediates(cls, days: int, info: ValidationInfo) -> int:
        if days <= info.data.get("intermediate_days", 0):
            raise ValueError(f"the root must outlive its intermediates of {info.data['intermediate_days']} days")
        return days

    @field_validator("root")
    @classmethod
    def _is_usable(cls, root: BroughtRootSettings | None, info: ValidationInfo) -> BroughtRootSettings | None:
        if root is not None:
            brought_root.load(root.certificate, root.key, info.data.get("intermediate_days", 0))
        return root


class HelmValues(Strict):
    """Values by chart."""

    base: dict[str, Any] = {}
    istiod: dict[str, Any] = {}
    gateway: dict[str, Any] = {}


class IstioSettings(Strict):
    """Another Istio than the cluster kind's default, and Helm values by chart that are merged over ours."""

    version: str | None = None
    charts: str | None = None
    hub: str | None = None
    tag: str | None = None
    values: HelmValues = Field(default_factory=lambda: HelmValues())


class ServiceSettings(Strict):
    """One exported service. After reading, `meshes` and `callers` are filled in."""

    name: names.ServiceName
    namespace: names.Label
    port: names.Port
    meshes: dict[names.KnownMesh, names.Weight] = Field(None, validate_default=True)
    callers: list[names.Caller] = Field(None, validate_default=True)
    service_account: names.ServiceAccount = "default"
    ingress_hosts: list[names.IngressHost] = []
    split: Literal["failover", "weighted"] = "failover"

    @field_validator("namespace")
    @classmethod
    def _not_istios(cls, namespace: str) -> str:
        if namespace == "istio-system":
            raise ValueError("any namespace is allowed but istio-system, whose policies hold for every namespace")
        return namespace

    @field_validator("meshes", mode="before")
    @classmethod
    def _every_mesh_exports(cls, weights: Any, info: ValidationInfo) -> Any:
        return dict.fromkeys(names.known_meshes(info), 1) if weights is None else weights

    @field_validator("meshes")
    @classmethod
    def _carry_traffic(cls, weights: dict[str, int]) -> dict[str, int]:
        if not any(weights.values()):
            raise ValueError("at least one mesh must have a weight above 0")
        return weights

    @field_validator("callers", mode="before")
    @classmethod
    def _every_mesh_calls(cls, callers: Any, info: ValidationInfo) -> Any:
        return names.known_meshes(info) if callers is None else callers

    @field_validator("callers")
    @classmethod
    def _somebody_calls(cls, callers: list[str]) -> list[str]:
        if not callers:
            raise ValueError("at least one caller is wanted; leave it out for every mesh")
        return callers

    def global_name(self, suffix: str) -> str:
        """Return the name under which every mesh finds the service."""
        return f"{self.name}.{self.namespace}.{suffix}"


def _at_most_100(meshes: dict[str, MeshSettings]) -> dict[str, MeshSettings]:
    if not 1 <= len(meshes) <= 100:
        raise ValueError("1 to 100 meshes are wanted")
    return meshes


class Settings(Strict):
    """The whole configuration of a stack."""

    meshes: Annotated[dict[names.Label, MeshSettings], AfterValidator(_at_most_100)]
    services: list[ServiceSettings] = []
    suffix: names.Suffix = "global"
    trust: TrustSettings = TrustSettings()
    istio: IstioSettings = IstioSettings()
    sample: bool = True
    sample_image: str | None = None

    def trust_domain(self, mesh: str) -> str:
        """Return the trust domain of a mesh of this stack."""
        return self.meshes[mesh].trust_domain or f"{mesh}.mesh"

    def exported_by(self, mesh: str) -> list[ServiceSettings]:
        """Return the services that a mesh offers to its peers."""
        return [service for service in self.services if mesh in service.meshes]

    def notes(self) -> list[str]:
        """Return what is allowed but may surprise: a line each."""
        if len(self.meshes) > 1:
            return []
        (mesh,) = self.meshes
        return [f"multimesh:meshes: {mesh} is the only mesh, so the services it exports have no peer to fail over to"]


def validate(raw: dict[str, Any]) -> Settings:
    """Check a whole configuration. Raises SettingsError naming every mistake."""
    meshes = raw.get("meshes")
    context = {"meshes": list(meshes) if isinstance(meshes, dict) else []}
    found = problems.clashes(raw) + problems.sample_mistakes(raw, SAMPLE)
    try:
        settings = Settings.model_validate(raw, context=context)
    except ValidationError as error:
        found += problems.of(error, Settings)
    else:
        if not found:
            return settings
    raise SettingsError(problems.report(found))


def check_clusters(settings: Settings) -> None:
    """Ask every existing cluster's API server. Raises SettingsError naming those that do not answer."""
    found = []
    for mesh, mesh_settings in settings.meshes.items():
        if isinstance(cluster := mesh_settings.cluster, ExistingClusterSettings):
            try:
                kubeconfigs.check_reachable(kubeconfigs.load(cluster.kubeconfig, cluster.context)[0])
            except kubeconfigs.KubeconfigError as error:
                found.append(
                    problems.problem(("meshes", mesh, "cluster", "kubeconfig"), cluster.kubeconfig, str(error))
                )
    if found:
        raise SettingsError(problems.report(found))


def read() -> Settings:
    """Read and check the stack's configuration. Raises SettingsError before anything is created."""
    settings = validate(_configuration())
    check_clusters(settings)
    return settings


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
