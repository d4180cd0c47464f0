"""The settings of the Istio installation."""

from typing import Any

from pydantic import Field, field_validator

from components.istio import ISTIOD_HOSTS
from components.schema.strict import Strict


class HelmValues(Strict):
    """Helm values by chart."""

    base: dict[str, Any] = {}
    istiod: dict[str, Any] = {}
    gateway: dict[str, Any] = {}

    @field_validator("istiod")
    @classmethod
    def _has_the_names_that_its_ca_may_sign(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Raise ValueError for values that give istiod's certificate names that the mesh's CA may not sign."""
        env = values.get("env")
        for key, given in (
            ("revision", values.get("revision") not in (None, "", "default")),
            ("env.ISTIOD_CUSTOM_HOST", isinstance(env, dict) and bool(env.get("ISTIOD_CUSTOM_HOST"))),
        ):
            if given:
                hosts = ", ".join(ISTIOD_HOSTS)
                raise ValueError(
                    f"must not set {key}: the mesh's CA may sign no names of istiod but {hosts}; remove it"
                )
        return values


class IstioSettings(Strict):
    """Overrides of the cluster kind's Istio charts and images, and Helm values that the program merges over its own."""

    version: str | None = None
    charts: str | None = None
    hub: str | None = None
    tag: str | None = None
    values: HelmValues = Field(default_factory=lambda: HelmValues())
