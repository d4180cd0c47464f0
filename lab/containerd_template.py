"""A containerd root with images unpacked in it, made once: clusters copy it instead of importing images."""

import subprocess
import tempfile
import time
from pathlib import Path

from lab.paths import TOOLS
from lab.processes import UMASK

TIMEOUT = 120.0  # seconds


class TemplateError(Exception):
    """containerd refused the images; the message ends with what it printed."""


def unpack(archive: Path, root: Path) -> None:
    """Import an OCI archive into the new containerd root `root`, unpacked by the overlayfs snapshotter.

    Raises:
        TemplateError: containerd did not start in time, or refused the archive.
    """
    with tempfile.TemporaryDirectory(prefix="multimesh-") as temporary:
        state = Path(temporary)
        config = state / "config.toml"
        config.write_text(
            'version = 3\ndisabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", '
            '"io.containerd.grpc.v1.cri"]\n'
        )
        socket, log = state / "containerd.sock", state / "log"
        command = [
            TOOLS / "containerd",
            "--config",
            config,
            "--root",
            root,
            "--state",
            state / "run",
            "--address",
            socket,
        ]
        with (
            log.open("w") as output,
            subprocess.Popen(command, stdout=output, stderr=output, umask=UMASK) as containerd,
        ):
            try:
                _wait(containerd, socket, log)
                load = [TOOLS / "ctr", "--address", socket, "--namespace", "k8s.io", "images", "import", archive]
                loaded = subprocess.run(load, capture_output=True, text=True, check=False, timeout=TIMEOUT)
                if loaded.returncode:
                    raise TemplateError(f"ctr images import {archive} failed\n{loaded.stderr[-2000:]}")
            finally:
                containerd.terminate()
                containerd.wait(timeout=TIMEOUT)


def _wait(containerd: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not socket.exists():
        if containerd.poll() is not None or time.monotonic() > deadline:
            raise TemplateError(f"containerd did not start\n{log.read_text()[-2000:]}")
        time.sleep(0.05)
