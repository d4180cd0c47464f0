"""The shell script that does by hand what the local stack's program does."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from lab import paths

SCRIPT = Path(__file__).parent / "by_hand.sh"
_SECONDS = 600


class ByHandError(Exception):
    """The script ended with an error; the message holds what it printed."""


class ByHand:
    """Two meshes made by the script; `folder` keeps their keys and kubeconfigs, `show` gets what the script prints."""

    def __init__(self, folder: Path, show: Callable[[str], None]) -> None:
        self._folder = folder
        self._show = show
        self._environment = os.environ | {
            "PATH": f"{paths.TOOLS}:{os.environ['PATH']}",
            "PYTHON": sys.executable,
            "CHARTS": str(paths.CHARTS),
            "IMAGE_HUB": paths.IMAGE_HUB,
            "IMAGE_TAG": paths.IMAGE_TAG,
        }

    def up(self) -> None:
        """Make what is missing, and wait until each ingress is answered by both meshes."""
        self._run("up")

    def apply(self, mesh: str, file: str) -> None:
        """Apply a file of the folder to one mesh's cluster."""
        kubectl = ["kubectl", f"--kubeconfig={mesh}.kubeconfig", "apply", "--server-side", f"--filename={file}"]
        self._finish(kubectl, self._folder)

    def down(self) -> None:
        """Destroy both clusters."""
        self._run("down")

    def _run(self, command: str) -> None:
        self._show(self._finish([SCRIPT, command, self._folder]))

    def _finish(self, command: Sequence[str | Path], folder: Path | None = None) -> str:
        limited = ["timeout", "--signal=INT", "--kill-after=60", str(_SECONDS), *command]
        done = subprocess.run(
            limited,
            cwd=folder,
            env=self._environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            raise ByHandError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout
