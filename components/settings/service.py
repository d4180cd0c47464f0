"""The settings of one exported service."""

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from components import istio
from components.schema import names
from components.schema.strict import Strict


class ServiceSettings(Strict):
    """One exported service. `meshes` are meshes of this stack, by default all. By default, every mesh may call."""

    name: names.ServiceName
    namespace: names.Label
    port: names.Port
    meshes: dict[names.KnownMesh, names.Weight] = Field(None, validate_default=True)
    callers: list[names.Caller] | None = None
    service_account: names.ServiceAccount = "default"
    ingress_hosts: list[names.IngressHost] = []
    split: Literal["failover", "weighted"] = "failover"

    @field_validator("namespace")
    @classmethod
    def _not_istios(cls, namespace: str) -> str:
        if namespace == istio.NAMESPACE:
            raise ValueError(f"must not be {istio.NAMESPACE}, whose policies hold for every namespace")
        return namespace

    @field_validator("meshes", mode="before")
    @classmethod
    def _every_mesh_exports(cls, weights: Any, info: ValidationInfo) -> Any:
        return dict.fromkeys(names.known_meshes(info), 1) if weights is None else weights

    @field_validator("meshes")
    @classmethod
    def _carry_traffic(cls, weights: dict[str, int], info: ValidationInfo) -> dict[str, int]:
        if not any(weights.values()) and not names.has_peers(info):
            raise ValueError("at least one mesh must have a weight above 0")
        return weights

    @field_validator("callers")
    @classmethod
    def _somebody_calls(cls, callers: list[str] | None) -> list[str] | None:
        if callers == []:
            raise ValueError("must name at least one caller; remove the key to allow every mesh")
        return callers

    @property
    def local_host(self) -> str:
        """The Service's name in its own cluster, and in all clusters of a single mesh."""
        return istio.local_host(self.name, self.namespace)

    def global_name(self, suffix: str) -> str:
        """Return the name under which every mesh finds the service."""
        return f"{self.name}.{self.namespace}.{suffix}"
