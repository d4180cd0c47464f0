"""One Helm release being installed, upgraded or removed: like the official plugin, as strict as helm itself."""

from collections.abc import Callable
from dataclasses import dataclass

from lab.plugins.kubernetes.charts import chart_arguments
from lab.plugins.kubernetes.helm import Helm
from lab.plugins.values import Properties

_DEFAULT_SECONDS = 300
_FLAGS = {  # of both install and upgrade
    "atomic": "--atomic",
    "disableOpenapiValidation": "--disable-openapi-validation",
    "renderSubchartNotes": "--render-subchart-notes",
    "skipCrds": "--skip-crds",
    "takeOwnership": "--take-ownership",
}
_INSTALL_FLAGS = {"createNamespace": "--create-namespace", "disableWebhooks": "--no-hooks", "replace": "--replace"}
_UPGRADE_FLAGS = {
    "cleanupOnFail": "--cleanup-on-fail",
    "disableCRDHooks": "--no-hooks",
    "forceUpdate": "--force",
    "recreatePods": "--recreate-pods",
    "resetValues": "--reset-values",
    "reuseValues": "--reuse-values",
}


@dataclass(frozen=True)
class Installation:
    """A release in a cluster."""

    helm: Helm
    inputs: Properties
    log: Callable[[str], None]

    @property
    def _waiting(self) -> list[str]:
        inputs = self.inputs
        if inputs.get("skipAwait"):
            return []
        jobs = ["--wait-for-jobs"] if inputs.get("waitForJobs") else []
        return ["--wait", *jobs, "--timeout", f"{inputs.get('timeout') or _DEFAULT_SECONDS}s"]

    def install(self) -> None:
        """Install the release. Raises HelmError, also if there is one of its name."""
        self._run("install", _FLAGS | _INSTALL_FLAGS)

    def upgrade(self) -> None:
        """Upgrade the release to its inputs. Raises HelmError, also while another operation is recorded as pending."""
        self._run("upgrade", _FLAGS | _UPGRADE_FLAGS)

    def uninstall(self) -> None:
        """Remove the release. Raises HelmError, also if it does not exist."""
        inputs = self.inputs
        output = self.helm.run("uninstall", inputs["name"], "--namespace", inputs["namespace"], *self._waiting)
        if "kept due to the resource policy" in output:
            self.log(f"Helm uninstall returned information: {output.strip()}")

    def _run(self, verb: str, flags: dict[str, str]) -> None:
        inputs = self.inputs
        arguments = [verb, *chart_arguments(inputs), *self._waiting]
        arguments += [flag for name, flag in flags.items() if inputs.get(name)]
        if "description" in inputs:
            arguments += ["--description", inputs["description"]]
        if verb == "upgrade" and "maxHistory" in inputs:
            arguments += ["--history-max", str(inputs["maxHistory"])]
        self.helm.run(*arguments, values=inputs.get("values", {}))
