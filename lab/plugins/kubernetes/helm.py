"""The helm program: run with a cluster's kubeconfig and values that never touch the disk."""

import json
import re
import shutil
import subprocess
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import yaml

from lab.plugins.kubernetes.kubeconfig import Kubeconfig
from lab.plugins.kubernetes.memory import memory_file, path
from lab.plugins.server import PluginError

_POLL_SECONDS = 0.5
_END_SECONDS = 20  # for helm to record that it was interrupted
_DOCUMENTS = re.compile(r"^---\s*$", re.MULTILINE)


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


def resource_names(manifest: str) -> dict[str, list[str]]:
    """Return the names of a manifest's objects by "<kind>[.<group>]/<apiVersion>"; a name is [<namespace>/]<name>."""
    names: dict[str, set[str]] = {}
    for document in _DOCUMENTS.split(manifest):
        found = _head(document)
        if not isinstance(found, dict) or "kind" not in found:
            continue
        version, metadata = found["apiVersion"], found["metadata"]
        group = f".{version.partition('/')[0]}" if "/" in version else ""
        name = f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else metadata["name"]
        names.setdefault(f"{found['kind']}{group}/{version}", set()).add(name)
    return {kind: sorted(names[kind]) for kind in sorted(names)}


def _head(document: str) -> Any:
    """The apiVersion, kind and metadata of a document; all else, which is most of it, is not parsed."""
    if document.lstrip().startswith("{"):
        return json.loads(document)
    kept, keep = [], False
    for line in document.splitlines():
        if line[:1] not in ("", " ", "#", "-"):
            keep = line.startswith(("apiVersion:", "kind:", "metadata:"))
        if keep:
            kept.append(line)
    return yaml.load("\n".join(kept), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 both are safe loaders
