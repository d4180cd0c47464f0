"""One Helm release being installed, upgraded or removed, also after a run that was interrupted in the middle of it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from lab.plugins.kubernetes import history
from lab.plugins.kubernetes.api import Api
from lab.plugins.kubernetes.charts import chart_arguments
from lab.plugins.kubernetes.helm import Helm
from lab.plugins.values import Properties

_DEFAULT_SECONDS = 300
_INTERRUPTED_UPGRADE = ("pending-upgrade", "pending-rollback")
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
    """A release in a cluster; a label on it names the Pulumi resource that it belongs to."""

    helm: Helm
    api: Api
    inputs: Properties
    urn: str
    log: Callable[[str], None]

    @property
    def _owner(self) -> str:
        return hashlib.sha256(self.urn.encode()).hexdigest()[:32]

    @property
    def _waiting(self) -> list[str]:
        inputs = self.inputs
        if inputs.get("skipAwait"):
            return []
        jobs = ["--wait-for-jobs"] if inputs.get("waitForJobs") else []
        return ["--wait", *jobs, "--timeout", f"{inputs.get('timeout') or _DEFAULT_SECONDS}s"]

    def is_ours(self, record: history.Record) -> bool:
        """Return whether this Pulumi resource created the release."""
        return record.owner == self._owner

    def install(self) -> None:
        """Install the release, or upgrade what an interrupted run left of it.

        Raises HelmError, also if the release exists but belongs to another resource.
        """
        record = self._latest()
        if record and self.is_ours(record):
            self.upgrade()
        else:
            self._run("install", _FLAGS | _INSTALL_FLAGS)

    def upgrade(self) -> None:
        """Upgrade the release to its inputs, from any state that it is in. Raises HelmError."""
        record = self._latest()
        if record and record.status in _INTERRUPTED_UPGRADE:
            self.log(f"the last upgrade was interrupted ({record.status}): rolling back before trying again")
            self._on_release("rollback")
        elif record and not record.worked:
            self.log(f"the installation did not finish ({record.status}): removing its remains before trying again")
            self._on_release("uninstall", "--ignore-not-found", *self._waiting)
            record = None
        if record:
            self._run("upgrade", _FLAGS | _UPGRADE_FLAGS)
        else:
            self._run("install", _FLAGS | _INSTALL_FLAGS)

    def uninstall(self) -> None:
        """Remove the release; do nothing if it does not exist. Raises HelmError, UnreachableError."""
        output = self._on_release("uninstall", "--ignore-not-found", *self._waiting) if self._latest() else ""
        if "kept due to the resource policy" in output:
            self.log(f"Helm uninstall returned information: {output.strip()}")

    def _latest(self) -> history.Record | None:
        return history.latest(self.api, self.inputs["namespace"], self.inputs["name"])

    def _on_release(self, verb: str, *arguments: str) -> str:
        return self.helm.run(verb, self.inputs["name"], "--namespace", self.inputs["namespace"], *arguments)

    def _run(self, verb: str, flags: dict[str, str]) -> None:
        inputs = self.inputs
        arguments = [verb, *chart_arguments(inputs), *self._waiting]
        arguments += [flag for name, flag in flags.items() if inputs.get(name)]
        arguments += ["--labels", f"{history.OWNER_LABEL}={self._owner}"]
        if "description" in inputs:
            arguments += ["--description", inputs["description"]]
        if verb == "upgrade" and "maxHistory" in inputs:
            arguments += ["--history-max", str(inputs["maxHistory"])]
        self.helm.run(*arguments, values=inputs.get("values", {}))
