"""The kernel's limit of inotify instances per user: without one left, a kubelet or containerd does not start."""

import os
from collections.abc import Callable
from pathlib import Path

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
PROCESSES = Path("/proc")

_NAME = "fs.inotify.max_user_instances"
_NEEDED = 40  # by one cluster with a mesh; seen: 19
_ENOUGH = 1024  # the kernel's own default is 128


def make_room(report: Callable[[str], None]) -> None:
    """Raise the limit if too few instances are left for one more cluster, and report it. It lasts until a reboot."""
    limit, used = int(LIMIT.read_text()), in_use()
    if limit - used >= _NEEDED:
        return
    wanted = max(_ENOUGH, 2 * limit)
    try:
        LIMIT.write_text(f"{wanted}\n")
    except OSError as error:
        report(f"{_NAME}: {used} of {limit} are in use and it cannot be raised ({error.strerror}): set it on the host")
    else:
        report(f"{_NAME}: raised from {limit} to {wanted}, as {used} are in use")


def in_use() -> int:
    """Return how many inotify instances the processes of this user have open."""
    return sum(map(_instances, PROCESSES.glob("[0-9]*")))


def _instances(process: Path) -> int:
    try:
        if process.stat().st_uid != os.geteuid():
            return 0
        return sum(_is_inotify(descriptor) for descriptor in (process / "fd").iterdir())
    except OSError:  # it has ended
        return 0


def _is_inotify(descriptor: Path) -> bool:
    try:
        return str(descriptor.readlink()) == "anon_inode:inotify"
    except OSError:
        return False
