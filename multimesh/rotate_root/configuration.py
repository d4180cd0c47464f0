"""The key `multimesh:trust` of a stack's configuration, read and changed by the Pulumi command line."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from multimesh.stack import OutputsError

KEY = "multimesh:trust"
Leaves = dict[tuple[str, ...], str]


def read(stack: Sequence[str], folder: Path) -> dict[str, Any]:
    """Return what `multimesh:trust` says; `stack` are the options that name the stack. Raise OutputsError."""
    entries = json.loads(_pulumi(["config", "--json", *stack], folder) or "{}")
    entry = entries.get(KEY)
    if entry is None:
        return {}
    value = entry.get("objectValue", entry.get("value"))
    if not isinstance(value, dict):
        raise OutputsError(f"{KEY} must be a YAML mapping in the stack's configuration, to be changed key by key")
    return value


def write(stack: Sequence[str], folder: Path, had: Mapping[str, Any], trust: Mapping[str, Any]) -> None:
    """Change `multimesh:trust` from `had` to `trust`, leaf by leaf, so that the rest of the file stays as it is.

    New and changed leaves are written at once; a run that is killed before the others are removed is repeated.
    """
    new, old = leaves(trust), leaves(had)
    if changed := {path: value for path, value in new.items() if old.get(path) != value}:
        pairs = [word for path, value in changed.items() for word in ("--plaintext", f"{_spelled(path)}={value}")]
        _pulumi(["config", "set-all", "--path", *pairs, *stack], folder)
    for path in removed(had, trust):
        _pulumi(["config", "rm", "--path", _spelled(path), *stack], folder)


def leaves(value: Mapping[str, Any], path: tuple[str, ...] = ()) -> Leaves:
    """Return the scalars of a mapping by their path, as text; lists are no matter of a rotation."""
    found: Leaves = {}
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            found |= leaves(inner, (*path, key))
        elif not isinstance(inner, list):
            found[*path, key] = json.dumps(inner) if isinstance(inner, bool) else str(inner)
    return found


def removed(had: Mapping[str, Any], trust: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the paths that `had` has and `trust` has not, the outermost of each."""
    found: list[tuple[str, ...]] = []
    for key, inner in had.items():
        if key not in trust:
            found.append((*path, key))
        elif isinstance(inner, Mapping) and isinstance(trust[key], Mapping):
            found += removed(inner, trust[key], (*path, key))
    return found


def _spelled(path: tuple[str, ...]) -> str:
    return ".".join([KEY, *path])


def _pulumi(arguments: Sequence[str], folder: Path) -> str:
    command = ["pulumi", *arguments, "--non-interactive"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise OutputsError(done.stderr.strip().removeprefix("error: ") or f"pulumi: exit code {done.returncode}")
    return done.stdout
