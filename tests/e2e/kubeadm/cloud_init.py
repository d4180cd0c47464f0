"""Debian's cloud-init in a folder of its own: installed on a machine it would act on that machine's next boot."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from lab.images import DEBIAN_SUITE
from lab.paths import CACHE
from lab.processes import run

ROOT = CACHE / f"cloud-init-{DEBIAN_SUITE}"


def faults(user_data: str) -> str:
    """Return what `cloud-init schema` says of user data that is not as it wants it, "" when it is."""
    if not ROOT.exists():
        _extract()
    with tempfile.NamedTemporaryFile("w", dir=ROOT / "tmp", suffix=".yaml") as file:
        file.write(user_data)
        file.flush()
        command = ["chroot", ROOT, "/usr/bin/cloud-init", "schema", "--config-file", f"/tmp/{Path(file.name).name}"]  # noqa: S108
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _extract() -> None:
    """Unpack the package and what it depends on, without running anything of them (about 15 s)."""
    partial = ROOT.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    run("mmdebstrap", "--quiet", "--variant=extract", "--include=cloud-init", DEBIAN_SUITE, str(partial))
    (partial / "tmp").mkdir(exist_ok=True)
    partial.rename(ROOT)
