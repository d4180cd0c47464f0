"""An image of real programs for the tests: PostgreSQL, Redis, and Python with clients, from Debian's packages.

It is made at first use, not by setup, and imported into clusters that run. Its user, `app`, may write to /tmp.
"""

import fcntl
import subprocess
from pathlib import Path

from lab import config
from lab.allocation import Allocation
from lab.images import APPLICATION_USER, DEBIAN_SUITE, ImageError
from lab.oci import Image, archive_images
from lab.paths import CACHE, TOOLS, digest
from lab.processes import UMASK

_HERE = Path(__file__)
TAG = digest(_HERE, _HERE.with_name("oci.py"))
PROGRAM_IMAGE = f"lab.multimesh/programs:{TAG}"
ARCHIVE = CACHE / f"programs-{TAG}.tar"

_PACKAGES = (
    "bash",
    "coreutils",
    "postgresql-15",
    "python3-grpcio",
    "python3-minimal",
    "python3-psycopg2",
    "redis-server",
    "redis-tools",
)
_POSTGRESQL = ("initdb", "postgres", "psql")
_UNUSED = (  # two thirds of the size: documentation, a compiler of queries, Perl of the packages' scripts
    "usr/share/{doc,i18n,info,lintian,locale,man,perl,perl5}",
    "usr/lib/*/{gconv,libLLVM*,libperl*,libz3*,perl,perl-base}",
)
_HOOKS = (
    f'bash -c "cd $1 && rm -rf {" ".join(_UNUSED)}"',
    "ln -s bash $1/bin/sh",
    "mkdir -p $1/usr/local/bin",
    *(f"ln -s ../../lib/postgresql/15/bin/{program} $1/usr/local/bin/{program}" for program in _POSTGRESQL),
    f"echo app:x:{APPLICATION_USER}:{APPLICATION_USER}::/tmp:/bin/sh >$1/etc/passwd",
)
TIMEOUT = 300.0  # seconds


def make() -> Path:
    """Make the image unless it is there, and return it as an archive in the OCI layout.

    Raises:
        ImageError: mmdebstrap failed.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with ARCHIVE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second process waits, then finds it made
        if not ARCHIVE.exists():
            base, partial = ARCHIVE.with_suffix(".base.tar"), ARCHIVE.with_suffix(".partial")
            base.unlink(missing_ok=True)
            _run(
                "mmdebstrap",
                "--quiet",
                "--variant=extract",
                f"--include={','.join(_PACKAGES)}",
                *_hooks(),
                DEBIAN_SUITE,
                base,
            )
            image = Image(PROGRAM_IMAGE, "/bin/bash", {}, user=APPLICATION_USER, on_base=True, writable=("tmp",))
            archive_images(partial, [image], base)
            base.unlink()
            partial.rename(ARCHIVE)
    return ARCHIVE


def load(cluster: Allocation) -> None:
    """Import the image into a cluster that runs.

    Raises:
        ImageError: the image could not be made, or containerd refused it.
    """
    address = config.socket(cluster)
    _run(TOOLS / "ctr", "--address", address, "--namespace", "k8s.io", "images", "import", make())


def _hooks() -> list[str]:
    return [f"--extract-hook={hook}" for hook in _HOOKS]


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT, umask=UMASK)
    if done.returncode:
        raise ImageError(f"{' '.join(map(str, command))} failed\n{done.stderr[-2000:]}")
