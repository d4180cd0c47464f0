"""A temporary stack for the end-to-end tests and the benchmark: the committed program, run by the real engine."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

from lab import cluster
from lab.environment import CHECKOUT
from multimesh.contract import VerifyOutputs
from multimesh.stack import parse_outputs


class PulumiError(Exception):
    """A Pulumi command ended with an error; the message holds what it printed."""


class Stack:
    """The stack `name`. Its project folder links to the checkout's files, and holds the stack's own configuration.

    `show` is called with each line that Pulumi prints. `configuration` is the file that the stack starts with. With
    `beside`, the stack shares the project and the backend of that other stack, and its passphrase unless it is to have
    its own.
    """

    def __init__(
        self,
        folder: Path,
        show: Callable[[str], None],
        name: str = "e2e",
        configuration: Path = CHECKOUT / "lab/Pulumi.local.yaml",
        beside: "Stack | None" = None,
        *,
        own_passphrase: bool = False,
    ) -> None:
        self.show = show
        self.name = name
        if beside:
            self.project, self.backend, self.environment = beside.project, beside.backend, dict(beside.environment)
            if own_passphrase:
                self.environment["PULUMI_CONFIG_PASSPHRASE"] = secrets.token_urlsafe()
        else:
            self._make_project(folder)
        self.pulumi("stack", "init", name)
        committed: dict[str, Any] = yaml.safe_load(configuration.read_text())
        self.configure(lambda config: config.update(committed["config"]))

    def _make_project(self, folder: Path) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        for entry in CHECKOUT.iterdir():
            if entry.name != ".git" and not entry.match("Pulumi.*.yaml"):
                (self.project / entry.name).symlink_to(entry)
        self.backend = folder / "backend"
        self.backend.mkdir()
        temporary = folder / "temporary"  # the official plugins leave kubeconfigs there
        temporary.mkdir()
        self.environment = os.environ | {
            "TMPDIR": str(temporary),
            "PULUMI_BACKEND_URL": self.backend.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_ERROR_OUTPUT_STRING": "1",
        }
        self.environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the stack's configuration: `change` edits the dictionary of its keys, such as `multimesh:services`."""
        file = self.project / f"Pulumi.{self.name}.yaml"
        settings: dict[str, Any] = yaml.safe_load(file.read_text()) if file.exists() else {}
        change(settings.setdefault("config", {}))
        file.write_text(yaml.safe_dump(settings))

    def pulumi(self, *arguments: str, timeout: float = 420) -> None:
        """Run a Pulumi command and show what it prints; raise PulumiError if it fails or exceeds `timeout` seconds."""
        command = ["timeout", "--signal=INT", "--kill-after=60", str(timeout)]
        command += ["pulumi", *arguments, "--non-interactive", "--color=never"]
        lines: list[str] = []
        with subprocess.Popen(
            command, cwd=self.project, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            for line in process.stdout or ():
                lines.append(line)
                self.show(line.rstrip())
        if process.returncode:
            raise PulumiError(f"pulumi {' '.join(arguments)}: exit code {process.returncode}\n{''.join(lines)}")

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a Pulumi command that the caller ends early; its output and errors are in `stdout`."""
        return subprocess.Popen(
            ["pulumi", *arguments, "--stack", self.name, "--yes", "--non-interactive", "--color=never"],
            cwd=self.project,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def preview(self) -> None:
        """Show what `up` would do."""
        self.pulumi("preview", "--stack", self.name, "--suppress-progress", "--suppress-outputs")

    def up(self, *options: str, timeout: float = 420) -> None:
        """Deploy what the configuration says."""
        self._update("up", *options, timeout=timeout)

    def refresh(self, *options: str) -> None:
        """Update the stack's state from the real resources."""
        self._update("refresh", *options)

    def destroy(self) -> None:
        """Destroy every resource of the stack."""
        self._update("destroy")

    def cancel(self) -> None:
        """Release the lock of an update that was killed."""
        self.pulumi("cancel", "--stack", self.name, "--yes")

    def outputs(self) -> VerifyOutputs:
        """Return the stack's outputs, secrets in the clear."""
        command = ["pulumi", "stack", "output", "--json", "--show-secrets", "--stack", self.name]
        return parse_outputs(self._quietly(*command))

    def all_outputs(self) -> dict[str, Any]:
        """Return every output of the stack, secrets in the clear; it may have no mesh."""
        return json.loads(self._quietly("pulumi", "stack", "output", "--json", "--show-secrets", "--stack", self.name))

    def state(self, *options: str) -> str:
        """Return the stack's state as it is stored: JSON, secrets encrypted unless `options` say otherwise."""
        return self._quietly("pulumi", "stack", "export", "--stack", self.name, *options)

    def run_instead(self, program: Path) -> None:
        """Replace the committed program by another one, in this stack's project alone."""
        (self.project / "__main__.py").unlink()
        (self.project / "__main__.py").write_text(program.read_text())

    def restore(self, state: str, folder: Path) -> None:
        """Import `state` as the stack's state, by way of a file in `folder`."""
        file = folder / "state.json"
        file.write_text(state)
        self.pulumi("stack", "import", "--stack", self.name, "--file", str(file))

    def rename(self, name: str) -> None:
        """Rename the stack, with its configuration."""
        self.pulumi("stack", "rename", name, "--stack", self.name)
        self.name = name

    def labs(self) -> dict[str, dict[str, Any]]:
        """Return the lab clusters in the state, by mesh; the `id` of each is the cluster's."""
        resources = json.loads(self.state())["deployment"].get("resources", [])
        labs = (resource for resource in resources if resource["type"].endswith(":LabCluster"))
        return {lab["inputs"]["name"].removeprefix(f"{self.name}-"): lab for lab in labs}

    def verify(self, requests: int = 100, within: Sequence[str] = ()) -> dict[str, Any]:
        """Return what `multimesh verify --output json` prints; `within` is a command that runs it, such as nsenter."""
        command = [*within, sys.executable, "-m", "multimesh", "verify", "--stack", self.name, "--output", "json"]
        return json.loads(self._quietly(*command, f"--requests={requests}", exit_codes=(0, 1)))

    def checked(self) -> list[dict[str, Any]]:
        """Return the checks of `multimesh check --output json`, each with its problems."""
        command = [sys.executable, "-m", "multimesh", "check", "--stack", self.name, "--output", "json"]
        return json.loads(self._quietly(*command, exit_codes=(0, 1)))["checks"]

    def wrong(self) -> list[str]:
        """Return what `multimesh check` finds wrong, one line each: `<check>: <where>: <cause>`; no warnings."""
        return [
            f"{check['check']}: {problem['where']}: {problem['cause']}"
            for check in self.checked()
            for problem in check["problems"]
            if problem["severity"] == "failed"
        ]

    def settled(self, seconds: float = 90, within: Sequence[str] = ()) -> list[str]:
        """Repeat `verify` until it finds nothing wrong or `seconds` are over; return its last findings."""
        deadline = time.monotonic() + seconds
        while (findings := self.verify(within=within)["findings"]) and time.monotonic() < deadline:
            time.sleep(1)
        return findings

    @contextmanager
    def destroyed_at_the_end(self) -> Iterator["Stack"]:
        """Yield the stack, then destroy it; if that fails, destroy its clusters directly."""
        try:
            yield self
        finally:
            labs = self.labs()
            try:
                self.destroy()
            except PulumiError:
                for lab in labs.values():
                    cluster.destroy(lab["id"], self.show)
                raise

    @contextmanager
    def api(self, mesh: str) -> Iterator[Any]:
        """Yield a CoreV1Api of a mesh's cluster."""
        kubeconfig = yaml.safe_load(self.outputs().kubeconfigs[mesh].get_secret_value())
        with config.new_client_from_config_dict(kubeconfig) as connected:
            yield client.CoreV1Api(connected)

    def _update(self, command: str, *options: str, timeout: float = 420) -> None:
        brief = ("--suppress-progress", "--suppress-outputs")
        self.pulumi(command, "--stack", self.name, "--yes", "--skip-preview", *brief, *options, timeout=timeout)

    def _quietly(self, *command: str, exit_codes: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            command, cwd=self.project, env=self.environment, text=True, capture_output=True, timeout=180, check=False
        )
        if done.returncode not in exit_codes:
            raise PulumiError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
        return done.stdout
