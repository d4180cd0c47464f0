"""What is on this machine of a stack whose clusters run here: the lab's clusters and what is left of others, locks."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multimesh.check.made import Made
from multimesh.stack import OutputsError, project, read_backend

_SECONDS = 20
_FILE = "file://"
_GONE = "the lab has no such cluster"


@dataclass(frozen=True)
class Lock:
    """A lock of the stack in a backend of files: who holds it, and whether that process runs; None: on another host."""

    holder: str
    runs: bool | None


@dataclass(frozen=True)
class Machine:
    """What there is; `unseen` says why something could not be looked at."""

    faults: Mapping[str, Sequence[str]]
    """By name, each cluster of the stack, and what of it does not run."""
    strays: Mapping[str, str]
    """By the lab's id, clusters that the stack made and its state does not have: their names."""
    remains: Mapping[str, Sequence[str]]
    """By the lab's id, what is left of clusters that are gone."""
    locks: Sequence[Lock]
    unseen: Sequence[str] = ()


def read_machine(made: Made) -> Machine | None:
    """Return what is on this machine of a stack; None if it has no clusters here."""
    if not made.labs:
        return None
    unseen: list[str] = []
    status, locks = _Status({}, {}, {}), list[Lock]()
    try:
        status = _status(made, _lab())
    except _LabError as error:
        unseen.append(f"`python -m lab status` fails: {error}")
    try:
        locks = _locks(made.stack)
    except (OutputsError, OSError, ValueError, LookupError) as error:
        unseen.append(f"the locks of the stack cannot be read: {error}")
    return Machine(status.faults, status.strays, status.remains, locks, unseen)


class _LabError(Exception):
    """The lab does not tell what is on this machine."""


@dataclass(frozen=True)
class _Status:
    faults: Mapping[str, Sequence[str]]
    strays: Mapping[str, str]
    remains: Mapping[str, Sequence[str]]


def _lab() -> str:
    """Return what the lab of the stack's project says of this machine: JSON."""
    command = [sys.executable, "-m", "lab", "status", "--output", "json"]
    try:
        done = subprocess.run(command, cwd=project(), capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _LabError(str(error)) from None
    if done.returncode:
        raise _LabError((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1])
    return done.stdout


def _status(made: Made, text: str) -> _Status:
    """Return what matters to the stack of what the lab says. A stack owns its clusters by folder and backend."""
    try:
        said = json.loads(text)
        there = {one["id"]: one for one in said["clusters"]}
        faults = {name: there[id]["faults"] if id in there else [_GONE] for id, name in made.labs.items()}
        owners = {there[id]["owner"] for id in made.labs if id in there}
        prefix = f"{made.stack.rpartition('/')[2]}-"
        strays = {
            id: one["name"]
            for id, one in there.items()
            if id not in made.labs and one["owner"] in owners and one["name"].startswith(prefix)
        }
        return _Status(faults, strays, said["remains"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _LabError(f"it prints something else: {error!r}") from None


def _locks(stack: str) -> list[Lock]:
    """Return the locks of `<project>/<stack>`; none if the backend is no folder, as others show theirs themselves."""
    url = os.environ.get("PULUMI_BACKEND_URL") or read_backend()
    if not url.startswith(_FILE):
        return []
    folder = Path(url.removeprefix(_FILE).partition("?")[0]).expanduser()
    found = [json.loads(file.read_text()) for file in (folder / ".pulumi/locks/organization" / stack).glob("*.json")]
    return [_lock(one) for one in found]


def _lock(said: Mapping[str, Any]) -> Lock:
    here = said["hostname"] == socket.gethostname()
    holder = f"{said['username']}@{said['hostname']} (pid {said['pid']}), since {said['timestamp'][:19]}"
    return Lock(holder, Path(f"/proc/{said['pid']}").exists() if here else None)
