"""kubectl in one cluster of a stack; every command is bounded."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.stack import Stack

_BY_SPDY = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"}
"""By WebSocket, kubectl may print of its own accord that it discards a message ("Unknown stream id 1")."""


class KubectlError(Exception):
    """A command failed; the message ends with what it printed."""


@dataclass(frozen=True)
class Said:
    """What a command in a pod printed, both streams in one, and its exit code."""

    text: str
    code: int


@dataclass(frozen=True)
class Pod:
    """A pod of a Deployment, and one of its containers."""

    namespace: str
    deployment: str
    container: str = "app"


@dataclass(frozen=True)
class Kubectl:
    """kubectl with the administrator's rights in the cluster of `mesh`."""

    mesh: str
    kubeconfig: Path

    def __call__(self, *arguments: str, given: str | None = None, timeout: float = 60) -> str:
        """Return what a command prints; `given` is its standard input. Raises KubectlError."""
        done = subprocess.run(
            self.command(*arguments), input=given, capture_output=True, text=True, check=False, timeout=timeout
        )
        if done.returncode:
            raise KubectlError(
                f"{self.mesh}: kubectl {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}"
            )
        return done.stdout

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a command."""
        return ["kubectl", f"--kubeconfig={self.kubeconfig}", *arguments]

    def apply(self, objects: Sequence[dict[str, Any]]) -> None:
        """Create or change objects."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self("apply", "--server-side", "--filename=-", given=json.dumps(listed))

    def wait_for_deployments(self, namespace: str, seconds: int = 180) -> None:
        """Wait until every Deployment of a namespace has its pods."""
        condition = ["--for=condition=Available", f"--timeout={seconds}s"]
        self("wait", *condition, "deployment", "--all", f"--namespace={namespace}", timeout=seconds + 10)

    def run(self, pod: Pod, *command: str, timeout: float = 60) -> Said:
        """Run a command in a container."""
        done = subprocess.run(
            self.in_pod(pod, *command),
            env=os.environ | _BY_SPDY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout,
        )
        return Said(done.stdout, done.returncode)

    def in_pod(self, pod: Pod, *command: str) -> list[str]:
        """Return the command line that runs a command in a container, with the standard input of the caller."""
        where = [f"--namespace={pod.namespace}", f"--container={pod.container}"]
        return self.command("exec", "--stdin", *where, f"deployment/{pod.deployment}", "--", *command)


def kubectls(stack: Stack, folder: Path) -> dict[str, Kubectl]:
    """Return kubectl for each mesh of a stack; the kubeconfigs are files in `folder`."""
    made = {}
    for mesh, kubeconfig in stack.outputs().kubeconfigs.items():
        file = folder / f"{mesh}.yaml"
        file.touch(mode=0o600)
        file.write_text(kubeconfig.get_secret_value())
        made[mesh] = Kubectl(mesh, file)
    return made
