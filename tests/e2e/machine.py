"""What of clusters can be seen on a machine, so that what they leave behind can be told."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from lab import paths
from lab.allocation import find_all
from lab.node import FIXED_FOLDERS

FOLDERS = (
    Path("/etc/cni"),
    Path("/run"),
    Path("/var/lib"),
    Path("/var/lib/cni"),
    Path("/var/log"),
    paths.STATE,
    paths.RUN,
)
LOCK = Path("/run/xtables.lock")
"""What iptables locks, and never removes: the plugin of Istio's CNI node agent tries its older variant."""


def snapshot() -> set[str]:
    """Everything by which a running cluster differs from none, one line each."""
    return {*_processes(), *_mounts(), *_network(), *_rules(), *_cgroups(), *_sockets(), *_files()}


def without_others(lines: set[str]) -> set[str]:
    """The lines that have nothing to do with clusters and Pulumi's plugins that run now, whosever they are."""
    others = {cluster.id for cluster in find_all()}
    shared = {"multimesh", "netns", *(folder.name for folder in FIXED_FOLDERS)} if others else set[str]()
    return {
        line
        for line in lines
        if not any(other in line for other in others) and Path(line).name not in shared and not _is_of_an_engine(line)
    }


def _is_of_an_engine(line: str) -> bool:
    """Whether it is the socket of a plugin, @multimesh-PACKAGE-HOST:PORT, whose engine listens there, or needs none."""
    if not line.startswith("socket @multimesh-"):
        return False
    host, _, port = line.rpartition("-")[2].partition(":")
    if not port:
        return True  # started by hand, or by a unit test
    with socket.socket() as connection:
        return connection.connect_ex((host, int(port))) == 0


def left_since(before: set[str]) -> list[str]:
    """What of clusters that are gone is there now and was not `before`."""
    left = snapshot() - before
    deadline = time.monotonic() + 5
    while left and time.monotonic() < deadline:  # the kernel takes links and cgroups away a moment later
        time.sleep(0.2)
        left &= snapshot()
    return sorted(without_others(left))


def _processes() -> Iterator[str]:
    here = Path("/proc/self/ns/net").readlink()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            namespace = (process / "ns/net").readlink()
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            cgroups = (process / "cgroup").read_text().replace("\n", " ")
        except OSError:
            continue
        if namespace != here or "/multimesh/" in cgroups:
            yield f"process {process.name}: {command}in {cgroups}"


def _mounts() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        yield f"mount {line.split()[4]}"


def _network() -> Iterator[str]:
    for kind, name in (("netns", "name"), ("link", "ifname")):
        for found in json.loads(_output("ip", "-json", kind, "show") or "[]"):
            yield f"{kind} {found[name]}"
    for kind in ("rule", "route"):
        for line in _output("ip", kind, "show", *(["table", "all"] if kind == "route" else [])).splitlines():
            yield f"{kind} {line}"


def _rules() -> Iterator[str]:
    for command in ("iptables-save", "ip6tables-save"):
        for line in _output(command).splitlines():
            if not line.startswith(("#", ":", "COMMIT", "*")):
                yield f"{command}: {line}"


def _cgroups() -> Iterator[str]:
    for folder, _, _ in os.walk("/sys/fs/cgroup"):
        if "/multimesh" in folder or "/kubepods" in folder:  # sessions and services of the machine come and go
            yield f"cgroup {folder}"


def _sockets() -> Iterator[str]:
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        if len(fields := line.split()) > 7:
            yield f"socket {fields[7]}"


def _files() -> Iterator[str]:
    for folder in filter(Path.exists, FIXED_FOLDERS):
        yield f"file {folder}"
    for folder in FOLDERS:
        if folder.is_dir():
            for entry in folder.iterdir():
                if entry != LOCK:
                    yield f"file {entry}"


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
