"""What the local stack needs of a machine, checked before anything is made or installed.

Runs on the machine's own Python, before the environment exists: standard library only.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from lab import allocation
from lab.debian import PACKAGES, missing
from lab.paths import CACHE, CONTAINERD_TEMPLATE, STATE

PYTHON = (3, 11)
GO = (1, 26)
DISK_TO_BUILD = 15 * 2**30  # Go's module and build caches, seen: 9 GiB
DISK_TO_RUN = 4 * 2**30


def faults() -> Iterator[str]:
    """Yield one line for each thing that is missing: what it is, what was seen, how to get it."""
    if platform.system() != "Linux":
        yield f"Linux is needed, this is {platform.system()}: the clusters are made of its namespaces. Use a Linux VM."
        return
    if os.geteuid() != 0:
        yield f"root is needed, this is user {os.geteuid()}: use sudo, or a VM of its own."
    if sys.version_info < PYTHON:
        yield f"Python {_dotted(PYTHON)} or newer is needed, this is {platform.python_version()}."
    yield from _go()
    yield from _debian()
    yield from _kernel()
    yield from _disk()
    yield from _network()


def _go() -> Iterator[str]:
    if CONTAINERD_TEMPLATE.exists():
        return
    if not shutil.which("go"):
        yield f"Go {_dotted(GO)} or newer is needed on PATH to build the toolchain: https://go.dev/doc/install."
        return
    said = subprocess.run(["go", "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    if not found or (int(found[1]), int(found[2])) < GO:
        yield f"Go {_dotted(GO)} or newer is needed, {said.strip() or 'go version says nothing'}: https://go.dev/doc/install."


def _debian() -> Iterator[str]:
    if not shutil.which("apt-get"):
        absent = [package for package in PACKAGES if not any(map(shutil.which, PACKAGES[package]))]
        if absent:
            yield f"Debian's packages {', '.join(absent)} are needed and there is no apt-get: use Debian 12 or newer."
    elif os.geteuid() != 0 and (absent := missing()):
        yield f"Debian's packages {', '.join(absent)} are needed: apt-get install {' '.join(absent)}."


def _kernel() -> Iterator[str]:
    if "overlay" not in Path("/proc/filesystems").read_text():
        yield "the kernel's overlay filesystem is needed for container images: modprobe overlay."
    if not Path("/sys/fs/cgroup").is_mount():
        yield "control groups are needed at /sys/fs/cgroup: mount -t cgroup2 none /sys/fs/cgroup."


def _disk() -> Iterator[str]:
    for folder, needed, purpose in (
        (CACHE, 0 if CONTAINERD_TEMPLATE.exists() else DISK_TO_BUILD, "to build the toolchain"),
        (STATE, DISK_TO_RUN, "to run the clusters"),
    ):
        existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(existing).free
        if free < needed:
            yield f"{needed / 2**30:.0f} GiB of disk are needed {purpose} in {folder}, {free / 2**30:.1f} GiB are free."


def _network() -> Iterator[str]:
    if not shutil.which("ip"):  # Debian's iproute2, named above
        return
    try:
        allocation.free_number()
    except allocation.NoFreeNetworkError as occupied:
        yield f"{occupied}. Disconnect what routes them, such as a VPN."


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def report(found: list[str], say: Callable[[str], object] = print) -> int:
    """Print the faults, all at once; return the process's exit code, 1 when there are any."""
    if found:
        say("This machine cannot run the local stack yet:")
        for fault in found:
            say(f"  ✗ {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(report(list(faults())))
