"""A kubeconfig, read and parsed once: its chosen context, and nothing of its others."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from components.clusters.kubeconfig_entries import flat_cluster, flat_user
from components.clusters.kubeconfig_files import Document, KubeconfigError, document, documents, is_content

__all__ = ["Kubeconfig", "KubeconfigError", "Plugin", "parse", "read"]


@dataclass(frozen=True)
class Plugin:
    """The credential plugin of a user: the program that returns the user's credentials."""

    command: str
    install_hint: str = ""


@dataclass(frozen=True)
class Kubeconfig:
    """The chosen context of a kubeconfig. Its repr shows no secret."""

    path: str | None
    """The configured path; None where the content itself is configured."""
    text: str = field(repr=False)
    """YAML of the chosen context, its cluster and its user alone, with the certificates and keys that these name."""
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
    """Return the kubeconfig that `configured` names as a path, or several as in $KUBECONFIG, or holds as content.

    Raise KubeconfigError when a file is missing or unreadable, and as `parse` does.
    """
    return _chosen(documents(configured), context, None if is_content(configured) else configured)


def parse(text: str, context: str | None = None) -> Kubeconfig:
    """Return the kubeconfig in a text (YAML or JSON), with `context` or else its current context chosen.

    Raise KubeconfigError when the text is not a kubeconfig, lacks the context or what the context names, or these are
    unusable.
    """
    return _chosen([document(text)], context, None)


def _chosen(found: Sequence[Document], context: str | None, path: str | None) -> Kubeconfig:
    """Return what the first document that has it says of the context, its cluster and its user."""
    given = context or next(filter(None, (each.content.get("current-context") for each in found)), None)
    contexts = [name for each in found for name in _named(each, "contexts")]
    if not given:
        raise KubeconfigError(f"has no current context; set `context` to one of: {_list(contexts)}")
    if not isinstance(given, Hashable) or given not in contexts:
        raise KubeconfigError(f"has no context {given!r}; it has: {_list(contexts)}")
    chosen, _ = _entry(found, "context", given)
    cluster, folder = _entry(found, "cluster", chosen.get("cluster"))
    if not cluster.get("server"):
        raise KubeconfigError(f"context {given!r} names no cluster with a server")
    flat: dict[str, Any] = {"cluster": _flat(flat_cluster, cluster, folder, f"cluster {chosen.get('cluster')}")}
    users = [name for each in found for name in _named(each, "users")]
    if named := chosen.get("user"):
        if not isinstance(named, Hashable) or named not in users:
            raise KubeconfigError(f"context {given!r} names the user {named!r}, who is missing; it has: {_list(users)}")
        flat["user"] = _flat(flat_user, *_entry(found, "user", named), f"user {named}")
    names = {part: str(chosen[part]) for part in ("cluster", "user") if part in flat}
    namespace = {"namespace": chosen["namespace"]} if isinstance(chosen.get("namespace"), str) else {}
    return Kubeconfig(
        path=path,
        text=yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": str(given),
                "contexts": [{"name": str(given), "context": {**names, **namespace}}],
                **{f"{part}s": [{"name": name, part: flat[part]}] for part, name in names.items()},
            }
        ),
        context=str(given),
        cluster=flat["cluster"],
        plugin=_plugin(flat.get("user", {})),
    )


def _flat(flatten: Callable[[dict[str, Any], Path], Any], entry: dict[str, Any], folder: Path, name: str) -> Any:
    try:
        return flatten(entry, folder)
    except KubeconfigError as error:
        raise KubeconfigError(f"{name}: {error}") from error


def _plugin(user: dict[str, Any]) -> Plugin | None:
    if "exec" not in user:
        return None
    return Plugin(user["exec"]["command"], str(user["exec"].get("installHint") or "").strip())


def _entry(found: Sequence[Document], kind: str, name: Any) -> tuple[dict[str, Any], Path]:
    """Return the content of the first entry of that name, {} without one, and the folder of its file."""
    for each in found:
        named = _named(each, f"{kind}s")
        if isinstance(name, Hashable) and name in named:
            if len(named[name]) > 1:
                raise KubeconfigError(f"has two {kind}s with the name {name!r}: remove or rename one")
            inside = named[name][0].get(kind)
            if inside is not None and not isinstance(inside, dict):
                raise KubeconfigError(f"{kind} {name} must be a mapping")
            return inside or {}, each.folder
    return {}, Path()


def _named(each: Document, key: str) -> dict[Any, list[dict[str, Any]]]:
    entries = each.content.get(key)
    named: dict[Any, list[dict[str, Any]]] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(name := entry.get("name"), Hashable) and name is not None:
            named.setdefault(name, []).append(entry)
    return named


def _list(names: Sequence[Any]) -> str:
    return ", ".join(map(str, dict.fromkeys(names))) or "none"
