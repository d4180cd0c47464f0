"""The settings of the Istio installation."""

from typing import Any

from pydantic import Field

from components.schema import names
from components.schema.strict import Strict


class HelmValues(Strict):
    """Helm values by chart."""

    base: dict[str, Any] = {}
    istiod: dict[str, Any] = {}
    gateway: dict[str, Any] = {}
    cni: dict[str, Any] = {}


class MeshIstioSettings(Strict):
    """How Istio comes into one mesh's cluster.

    `adopt` takes over what an Istio that is gone has left there. A control plane of another `revision` is installed
    beside the one that runs. With `install: false` somebody else runs the control plane; `revision` names one of
    several. With `cni`, its node agent does what pods' init containers do otherwise.
    """

    install: bool = True
    revision: names.Label | None = None
    adopt: bool = False
    cni: bool = False


class IstioSettings(Strict):
    """Overrides of the cluster kind's Istio charts and images, and Helm values that the program merges over its own."""

    version: str | None = None
    charts: str | None = None
    hub: str | None = None
    tag: str | None = None
    values: HelmValues = Field(default_factory=lambda: HelmValues())
