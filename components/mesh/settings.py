"""Which Istio is installed."""

from typing import Any

from pydantic import Field

from components.schema.strict import Strict


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
