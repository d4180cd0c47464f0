"""The programs of a cluster: started in its namespaces and control group, watched, ended."""

import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from lab import bound, cgroups, commands, network, node, paths, processes
from lab.allocation import Allocation
from lab.processes import Process

NAMES = ("etcd", "kube-apiserver", "containerd", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")

_ON_NODE = ("containerd", "kubelet")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class StartError(Exception):
    """A program of a cluster ended, or was not ready in time."""


def _record(id: str, name: str) -> Path:
    return paths.RUN / id / "processes" / name


def _log(cluster: Allocation, name: str) -> Path:
    return cluster.folder / "logs" / f"{name}.log"


def start(cluster: Allocation, *names: str) -> None:
    """Start those of the programs that do not run."""
    cgroup = cgroups.create(cluster.id)
    for name in names:
        if fault(cluster.id, name):
            log = _log(cluster, name)
            log.parent.mkdir(exist_ok=True)
            place = [*network.enter(cluster.id), *(node.enter(cluster) if name in _ON_NODE else [])]
            process = processes.start(
                [*place, *commands.command_line(cluster, name)], log=log, cgroup=cgroup, path=f"{paths.TOOLS}:{_PATH}"
            )
            process.write(_record(cluster.id, name))


def bind(cluster: Allocation, name: str, other: str) -> None:
    """Let a program end when another one does; the process that sees to it ends with either of them."""
    pair = [Process.read(_record(cluster.id, each)) for each in (name, other)]
    command = [sys.executable, "-IS", bound.__file__, *(str(process.pid) for process in pair if process)]
    processes.start(command, log=_log(cluster, name), cgroup=cgroups.create(cluster.id), path=_PATH)


def fault(id: str, name: str) -> str:
    """Return "" if the program runs, else a line that says that it does not."""
    process = Process.read(_record(id, name))
    if process and process.alive:
        return ""
    return f"{name} (pid {process.pid}) is not running" if process else f"{name} is not running"


def wait(cluster: Allocation, unready: Callable[[], str], *names: str, timeout: float = 120) -> None:
    """Wait until `unready` returns "", which the named programs make it do.

    Raises StartError when one of them has ended or `timeout` seconds have passed, with the last lines of their logs.
    """
    began = time.monotonic()
    while why := unready():
        ended = {name: line for name in names if (line := fault(cluster.id, name))}
        if ended or time.monotonic() > began + timeout:
            reasons = "; ".join([*ended.values(), why])
            logs = "\n".join(_last_lines(_log(cluster, name)) for name in ended or names)
            raise StartError(f"{cluster.id}: not ready after {time.monotonic() - began:.0f} s: {reasons}\n{logs}")
        time.sleep(0.05)


def _last_lines(log: Path) -> str:
    with log.open(errors="replace") as lines:
        return f"the end of {log}:\n{''.join(deque(lines, 15))}"


def end(id: str, *names: str, timeout: float = 10) -> None:
    """Kill the named programs, or all of them, and wait until they ended, for `timeout` seconds at most.

    Processes that still run then are left to cgroups.end, which reports them.
    """
    records = [Process.read(_record(id, name)) for name in names or NAMES]
    running = [process for process in records if process]
    for process in running:
        process.kill()
    deadline = time.monotonic() + timeout
    while any(process.alive for process in running) and time.monotonic() < deadline:
        time.sleep(0.01)
