"""The control groups of a cluster: its programs in /multimesh/ID/node, its pods in /multimesh/ID/kubepods.

Every process in them was started by the cluster, and nothing that the cluster starts can leave them. So they show which
processes to end, even when containerd and the records of started programs are lost. Works with cgroup v1 (one hierarchy
per controller) and v2.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from lab import processes

ROOT = Path("/sys/fs/cgroup")


class StillRunningError(Exception):
    """Processes of a cluster that did not end."""


def _is_v2() -> bool:
    return (ROOT / "cgroup.controllers").exists()


def _hierarchies() -> list[Path]:
    if _is_v2():
        return [ROOT]
    return [folder for folder in ROOT.iterdir() if not folder.is_symlink() and (folder / "cgroup.procs").exists()]


def _groups(id: str, part: str = "") -> list[Path]:
    """Return the cluster's control groups in every hierarchy, the innermost first."""
    tops = [hierarchy / "multimesh" / id / part for hierarchy in _hierarchies()]
    found = [Path(folder) for top in tops for folder, _, _ in os.walk(top)]
    return sorted(found, key=lambda folder: len(folder.parts), reverse=True)


def traces() -> Iterator[tuple[str, str]]:
    """Yield each id that has control groups on this machine, and how many processes are in them."""
    names = {group.name for hierarchy in _hierarchies() for group in (hierarchy / "multimesh").glob("*/")}
    for id in sorted(names):
        count = len(members(id))
        yield id, f"control groups with {count} process{'' if count == 1 else 'es'}"


def create(id: str) -> Path:
    """Make the cluster's control groups; return the folder of the one that its programs are started in."""
    for hierarchy in _hierarchies():
        (hierarchy / "multimesh" / id).mkdir(parents=True, exist_ok=True)
    if _is_v2():
        _delegate(ROOT)
        _delegate(ROOT / "multimesh")
    # v1: membership of one hierarchy is enough to be found again, and this one limits nothing.
    node = (ROOT if _is_v2() else ROOT / "freezer") / "multimesh" / id / "node"
    node.mkdir(exist_ok=True)
    return node


def _delegate(group: Path) -> None:
    """Let the groups below use every controller that the group has, as kubelet expects them to."""
    for controller in (group / "cgroup.controllers").read_text().split():
        (group / "cgroup.subtree_control").write_text(f"+{controller}")


def members(id: str, part: str = "") -> set[int]:
    """Return the pids of the cluster's processes, of all or of one part: `node` or `kubepods`."""
    pids: set[int] = set()
    for group in _groups(id, part):
        with contextlib.suppress(OSError):  # removed meanwhile
            pids.update(int(pid) for pid in (group / "cgroup.procs").read_text().split())
    return pids


def _is_member(id: str, pid: int) -> bool:
    try:
        return f":/multimesh/{id}/" in Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False


def end(id: str, part: str = "", timeout: float = 30) -> None:
    """End the processes of members(id, part); raise StillRunningError if some still run after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while pids := members(id, part):
        if time.monotonic() > deadline:
            raise StillRunningError(f"{id}: processes {sorted(pids)} did not end within {timeout:g} s of SIGKILL")
        for pid in pids:
            processes.kill(pid, lambda pid=pid: _is_member(id, pid))
        time.sleep(0.02)


def remove(id: str, timeout: float = 10) -> None:
    """Remove the cluster's control groups, whose processes have ended, and with the last cluster's their parent."""
    deadline = time.monotonic() + timeout
    while groups := _groups(id):
        for group in groups:
            with contextlib.suppress(OSError):  # a process that ended a moment ago still counts
                group.rmdir()
        if time.monotonic() > deadline:
            raise StillRunningError(
                f"{id}: control groups not empty after {timeout:g} s: {', '.join(map(str, groups))}"
            )
        time.sleep(0.01)
    for hierarchy in _hierarchies():
        with contextlib.suppress(OSError):  # another cluster's are in it
            (hierarchy / "multimesh").rmdir()
