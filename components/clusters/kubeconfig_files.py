"""The files of a kubeconfig, as kubectl finds them: one, or a list as in $KUBECONFIG."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_PARTS = {"kind", "contexts", "clusters", "users", "current-context"}


class KubeconfigError(ValueError):
    """A kubeconfig that cannot be used; the message says why."""


@dataclass(frozen=True)
class Document:
    """One kubeconfig file: its content, and the folder that its relative paths start from."""

    content: dict[str, Any]
    folder: Path


def documents(configured: str) -> list[Document]:
    """Return the kubeconfigs that `configured` names (a path, or several as in $KUBECONFIG) or holds as content.

    As kubectl does, skip files of a list that do not exist. Raise KubeconfigError if none exists or one is unusable.
    """
    if is_content(configured):
        return [document(configured)]
    if not configured.strip(os.pathsep + " "):
        raise KubeconfigError("must be the path or content of a kubeconfig")
    try:
        whole = Path(configured).expanduser().exists()
        paths = [configured] if whole else [path for path in configured.split(os.pathsep) if path]
        found = [path for path in map(_expanded, paths) if path.exists() or len(paths) == 1]
    except (OSError, RuntimeError, ValueError) as error:  # `~` of nobody, a null character, a name too long
        raise KubeconfigError(f"the file cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not found:
        raise KubeconfigError("none of these files exists")
    return [document(read_text(path), path.parent) for path in found]


def document(text: str, folder: Path | None = None) -> Document:
    """Return the kubeconfig in a text (YAML or JSON). Raise KubeconfigError unless it is one."""
    try:
        content = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError):  # ValueError: also a date that is none
        content = None
    if not isinstance(content, dict) or content.get("kind", "Config") != "Config" or not content.keys() & _PARTS:
        raise KubeconfigError("is not a kubeconfig: must be YAML of kind Config")
    return Document(content, (folder or Path()).absolute())


def read_text(path: Path) -> str:
    """Return the content of a text file. Raise KubeconfigError, which does not name the file."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise KubeconfigError("the file cannot be read: it is not text") from error


def read_bytes(path: Path) -> bytes:
    """Return the content of a file. Raise KubeconfigError, which does not name the file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise KubeconfigError("no such file") from None
    except (OSError, ValueError) as error:
        raise KubeconfigError(f"the file cannot be read: {getattr(error, 'strerror', None) or error}") from error


def is_content(kubeconfig: str) -> bool:
    """Return whether a configured kubeconfig is content, rather than a path."""
    return "\n" in kubeconfig or kubeconfig.lstrip().startswith("{")


def _expanded(path: str) -> Path:
    return Path(path).expanduser()
