"""The helm program: run with a cluster's kubeconfig and values that never touch the disk."""

import json
import shutil
import subprocess
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from lab.plugins.kubernetes.kubeconfig import Kubeconfig
from lab.plugins.kubernetes.memory import memory_file, path
from lab.plugins.server import PluginError

_POLL_SECONDS = 0.5
_END_SECONDS = 20  # for helm to record that it was interrupted


class HelmError(PluginError):
    """What helm says when it fails."""


@dataclass(frozen=True)
class Helm:
    """The helm program, for one cluster (None: for what needs no cluster)."""

    kubeconfig: Kubeconfig | None
    cancelled: threading.Event

    def run(self, *arguments: str, values: dict[str, Any] | None = None) -> str:
        """Run helm to its end and return what it prints. Raises HelmError."""
        program = shutil.which("helm")
        if program is None:
            raise HelmError("the program helm is not on PATH")
        with ExitStack() as files:
            kept = []
            if self.kubeconfig:
                kept.append(files.enter_context(memory_file(self.kubeconfig.text())))
                arguments += ("--kubeconfig", path(kept[-1]))
            if values is not None:
                kept.append(files.enter_context(memory_file(json.dumps(values))))
                arguments += ("--values", path(kept[-1]))
            process = subprocess.Popen(
                [*_ending_with_parent(), program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=kept,
                text=True,
            )
            output, errors = self._await(process)
        if process.returncode:
            raise HelmError(errors.strip().removeprefix("Error: ") or f"helm ended with status {process.returncode}")
        return output

    def _await(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        while True:
            try:
                return process.communicate(timeout=_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if self.cancelled.is_set():
                    break
        process.terminate()
        try:
            return process.communicate(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()


def _ending_with_parent() -> list[str]:
    """A helm that outlived its killed plugin would go on changing the cluster beside the next run's."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []
