"""Reading a kubeconfig that the user gave, and naming everything that is wrong with it."""

import json
from pathlib import Path
from typing import Any

import yaml


class KubeconfigError(ValueError):
    """A kubeconfig that cannot be used; the message says why."""


def load(kubeconfig: str, context: str | None) -> tuple[str, str]:
    """Return (kubeconfig as YAML text with the context made current, API server URL).

    `kubeconfig` is a path (`~` allowed) or the content itself; without a `context` the current one counts. Raises
    KubeconfigError when the file is missing or unreadable, is no kubeconfig, or lacks the context or its cluster.
    """
    document = _parse(kubeconfig if _is_content(kubeconfig) else _read(Path(kubeconfig).expanduser()))
    context = context or document.get("current-context")
    contexts = _named(document, "contexts")
    if not context:
        raise KubeconfigError(f"it has no current context; set `context` to one of: {_list(contexts)}")
    if context not in contexts:
        raise KubeconfigError(f"it has no context {context!r}; it has: {_list(contexts)}")
    cluster = _named(document, "clusters").get(_inside(contexts[context], "context").get("cluster", ""), {})
    server = _inside(cluster, "cluster").get("server")
    if not server:
        raise KubeconfigError(f"context {context!r} names no cluster with a server")
    return yaml.safe_dump({**document, "current-context": context}), server


def _is_content(kubeconfig: str) -> bool:
    return "\n" in kubeconfig or kubeconfig.lstrip().startswith("{")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        raise KubeconfigError("no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise KubeconfigError(f"the file cannot be read: {reason}") from error


def _parse(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (json.JSONDecodeError, yaml.YAMLError):
        document = None
    if not isinstance(document, dict) or document.get("kind") != "Config":
        raise KubeconfigError("it is no kubeconfig: YAML of kind Config is wanted")
    return document


def _named(document: dict[str, Any], key: str) -> dict[str, Any]:
    entries = document.get(key)
    if not isinstance(entries, list):
        return {}
    return {entry["name"]: entry for entry in entries if isinstance(entry, dict) and "name" in entry}


def _inside(entry: dict[str, Any], key: str) -> dict[str, Any]:
    inside = entry.get(key)
    return inside if isinstance(inside, dict) else {}


def _list(names: dict[str, Any]) -> str:
    return ", ".join(names) or "none"
