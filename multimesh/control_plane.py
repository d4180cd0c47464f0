"""Where the control plane of a mesh is."""

from pydantic import BaseModel

from multimesh.hosts import CLUSTER_DOMAIN
from multimesh.injection import DEFAULT_REVISION, INJECTION, REVISION


class ControlPlane(BaseModel, frozen=True, hide_input_in_errors=True):
    """Where the control plane of a mesh is; the defaults are those of one that multimesh installs."""

    namespace: str = "istio-system"
    root_namespace: str = "istio-system"
    """Whose Istio objects hold for the whole mesh; the gateway and the routes are in it."""
    revision: str = DEFAULT_REVISION
    gateway: str = "istio-ingressgateway"
    """The name of the gateway's Deployment and service account."""
    cluster_domain: str = CLUSTER_DOMAIN
    """The end of the names of the Services in its cluster."""
    installed: bool = True
    """Whether multimesh installed it, and not somebody else."""

    @property
    def suffix(self) -> str:
        """The end of the names of what istiod reads and writes; empty for the default revision."""
        return "" if self.revision == DEFAULT_REVISION else f"-{self.revision}"

    @property
    def injection(self) -> tuple[str, str]:
        """The label of a namespace whose pods get its sidecars."""
        return (REVISION, self.revision) if self.suffix else (INJECTION, "enabled")

    def command(self, namespace: str) -> str:
        """Return the command that gives a namespace this label, in place of another control plane's."""
        other = f"{INJECTION if self.suffix else REVISION}-"
        return f"kubectl label namespace {namespace} --overwrite {other} {'='.join(self.injection)}"

    @property
    def gateway_selector(self) -> dict[str, str]:
        """The labels of the gateway's pods, as the chart makes them of its name."""
        return {"istio": self.gateway.removeprefix("istio-")}


INSTALLED = ControlPlane()
"""As multimesh installs it."""
