"""A kubeconfig, read and parsed once."""

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


class KubeconfigError(ValueError):
    """A kubeconfig that cannot be used; the message says why."""


@dataclass(frozen=True)
class Plugin:
    """The credential plugin of a user: the program that returns the user's credentials."""

    command: str
    install_hint: str = ""


@dataclass(frozen=True)
class Kubeconfig:
    """A kubeconfig whose current context is the chosen context. Its repr shows no secret."""

    path: str | None
    """The configured path; None where the content itself is configured."""
    text: str = field(repr=False)
    """YAML, with the chosen context as its current context."""
    context: str
    cluster: Mapping[str, Any] = field(repr=False, hash=False)
    """The context's cluster: `server`, and how the server is verified."""
    plugin: Plugin | None = field(default=None, repr=False)
    """The credential plugin of the context's user; None for a user without one."""

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self.cluster["server"]


def read(configured: str, context: str | None = None) -> Kubeconfig:
    """Return the kubeconfig that `configured` names as a path (`~` allowed) or holds as content.

    Raise KubeconfigError when the file is missing or unreadable, and as `parse` does.
    """
    if _is_content(configured):
        return parse(configured, context)
    return parse(_read(configured), context, configured)


def parse(text: str, context: str | None = None, path: str | None = None) -> Kubeconfig:
    """Return the kubeconfig in a text (YAML or JSON), with `context` or else its current context chosen.

    Raise KubeconfigError when the text is not a kubeconfig, or lacks the context or the context's cluster.
    """
    document = _document(text)
    context = context or document.get("current-context")
    contexts = _named(document, "contexts")
    if not context:
        raise KubeconfigError(f"has no current context; set `context` to one of: {_list(contexts)}")
    if not isinstance(context, Hashable) or context not in contexts:
        raise KubeconfigError(f"has no context {context!r}; it has: {_list(contexts)}")
    chosen = _inside(contexts[context], "context")
    cluster = _inside(_entry(document, "clusters", chosen.get("cluster", "")), "cluster")
    if not cluster.get("server"):
        raise KubeconfigError(f"context {context!r} names no cluster with a server")
    return Kubeconfig(
        path=path,
        text=yaml.safe_dump({**document, "current-context": context}),
        context=context,
        cluster=cluster,
        plugin=_plugin(_inside(_entry(document, "users", chosen.get("user", "")), "user")),
    )


def _is_content(kubeconfig: str) -> bool:
    return "\n" in kubeconfig or kubeconfig.lstrip().startswith("{")


def _read(path: str) -> str:
    try:
        return Path(path).expanduser().read_text()
    except FileNotFoundError:
        raise KubeconfigError("no such file") from None
    except RuntimeError as error:  # `~` of nobody
        raise KubeconfigError(f"the file cannot be read: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise KubeconfigError(f"the file cannot be read: {reason}") from error


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (json.JSONDecodeError, yaml.YAMLError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("kind") != "Config":
        raise KubeconfigError("is not a kubeconfig: must be YAML of kind Config")
    return document


def _plugin(user: dict[str, Any]) -> Plugin | None:
    execute = _inside(user, "exec")
    command = execute.get("command")
    return Plugin(command, str(execute.get("installHint") or "").strip()) if isinstance(command, str) else None


def _named(document: dict[str, Any], key: str) -> dict[Any, Any]:
    entries = document.get(key)
    if not isinstance(entries, list):
        return {}
    named = [entry for entry in entries if isinstance(entry, dict) and "name" in entry]
    return {entry["name"]: entry for entry in named if isinstance(entry["name"], Hashable)}


def _entry(document: dict[str, Any], key: str, name: object) -> dict[str, Any]:
    return _named(document, key).get(name, {}) if isinstance(name, Hashable) else {}


def _inside(entry: dict[str, Any], key: str) -> dict[str, Any]:
    inside = entry.get(key)
    return inside if isinstance(inside, dict) else {}


def _list(names: dict[Any, Any]) -> str:
    return ", ".join(map(str, names)) or "none"
