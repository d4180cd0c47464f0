"""Settings of a cluster that cannot change, or not to any value: the program rejects a change before Pulumi acts on it.

Otherwise Pulumi would replace the cluster and everything in it, or break it. The state stores the settings that the
cluster was created with next to the cluster, so they move with it in a `pulumi state move`.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import dynamic

from components.schema import problems

FIRST_VERSION = "1.37.2"
"""The version of Kubernetes of all clusters that were made before nodes upgraded themselves."""
Settings = Mapping[str, Any]
"""Values by their key inside `cluster`."""


def changed(mesh: str, made_with: Settings, wanted: Settings) -> list[str]:
    """Return a line for each setting that differs from what the cluster was created with."""
    return [
        problems.problem(
            ("meshes", mesh, "cluster", key),
            wanted[key],
            f"cannot be changed: the cluster was created with {value!r}, and another value would replace it and "
            f"everything in it. Restore {value!r}, or add a new mesh, move your workloads and remove this one",
        )
        for key, value in made_with.items()
        if key in wanted and wanted[key] != value
    ]


def shrunk(mesh: str, had: Settings, wanted: Settings) -> list[str]:
    """Return a line for each number of etcd members that would shrink."""
    return [
        problems.problem(
            ("meshes", mesh, "cluster", key),
            wanted[key],
            f"cannot shrink below {value}: these nodes are etcd members, and deleting one without removing it from "
            f"etcd can lose quorum. Set {value} or more",
        )
        for key, value in had.items()
        if key in wanted and wanted[key] < value
    ]


def not_next(mesh: str, had: str, wanted: str) -> list[str]:
    """Return a line if `wanted`, a version of Kubernetes (`1.2.3`), is not one that nodes upgrade to from `had`.

    Source: https://kubernetes.io/releases/version-skew-policy/
    """
    path = ("meshes", mesh, "cluster", "kubernetes_version")
    (major, minor, _), (next_major, next_minor, _) = now, then = _version(had), _version(wanted)
    if then < now:
        return [problems.problem(path, wanted, f"must not be older than {had}, which the cluster has: set {had}")]
    if (next_major, next_minor) > (major, minor + 1):
        way = f"the cluster has {had}: set a version of {major}.{minor + 1} first, and run `pulumi up`"
        return [problems.problem(path, wanted, f"must not skip a minor version; {way}")]
    return []


def not_both(mesh: str, had: tuple[str, Settings], wanted: tuple[str, Settings]) -> list[str]:
    """Return a line if the version and the number of etcd members change at once: new members would be too new."""
    if had[0] == wanted[0] or had[1] == wanted[1]:
        return []
    reason = f"must not change together with {', '.join(wanted[1])}: set {had[0]}, run `pulumi up`, and upgrade then"
    return [problems.problem(("meshes", mesh, "cluster", "kubernetes_version"), wanted[0], reason)]


def not_upgradable(mesh: str, wanted: str) -> list[str]:
    """Return a line if a cluster whose nodes do not upgrade themselves is to have another version."""
    if wanted == FIRST_VERSION:
        return []
    way = f"Set {FIRST_VERSION}, or add a new mesh, move your workloads and remove this one"
    reason = f"cannot be changed: the cluster's nodes were made with {FIRST_VERSION} and do not upgrade themselves"
    return [problems.problem(("meshes", mesh, "cluster", "kubernetes_version"), wanted, f"{reason}. {way}")]


def _version(text: str) -> tuple[int, int, int]:
    major, minor, patch = map(int, text.split("."))
    return major, minor, patch


def _with_whole_numbers(settings: Settings) -> Settings:
    """Return whole numbers as `int`: the engine's protocol has only floats."""
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value for key, value in settings.items()
    }


_KEPT = ("settings", "members", "kubernetes_version", "upgradable")


class ImmutableSettingsProvider(dynamic.ResourceProvider):
    """Store settings, and reject changes."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Compare with the stored settings; `_olds` is empty for a cluster that does not exist yet."""
        had, wanted = (
            {key: _with_whole_numbers(properties.get(key, {})) for key in ("settings", "members")}
            for properties in (_olds, news)
        )
        found = changed(news["mesh"], had["settings"], wanted["settings"])
        found += shrunk(news["mesh"], had["members"], wanted["members"])
        if version := news.get("kubernetes_version"):
            news = {**news, "upgradable": _olds.get("upgradable", not _olds)}
            if not news["upgradable"]:
                found += not_upgradable(news["mesh"], version)
            elif _olds:
                found += not_next(news["mesh"], _olds["kubernetes_version"], version)
                found += not_both(
                    news["mesh"], (_olds["kubernetes_version"], had["members"]), (version, wanted["members"])
                )
        return dynamic.CheckResult(news, [dynamic.CheckFailure("", line) for line in found])

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Store the settings under the mesh's name."""
        return dynamic.CreateResult(props["mesh"], props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Report whether the stored settings change, which `check` has allowed."""
        changes = any(_olds.get(key) != _news.get(key) for key in _KEPT)
        return dynamic.DiffResult(changes=changes)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Store added members, and settings that an earlier version of this program did not store."""
        return dynamic.UpdateResult(_news)


class ImmutableSettings(dynamic.Resource, module="multimesh", name="ImmutableSettings"):
    """The immutable settings of a mesh's cluster; all resources of the cluster depend on this resource.

    `members` are the numbers of nodes that are etcd members; they may grow. `kubernetes_version` may become the next
    one, if the cluster's nodes upgrade themselves to it.
    """

    def __init__(
        self,
        resource_name: str,
        mesh: str,
        settings: Settings,
        opts: pulumi.ResourceOptions,
        members: Settings | None = None,
        kubernetes_version: str | None = None,
    ) -> None:
        properties: dict[str, Any] = {"mesh": mesh, "settings": dict(settings), "members": dict(members or {})}
        if kubernetes_version:
            properties["kubernetes_version"] = kubernetes_version
        super().__init__(ImmutableSettingsProvider(), resource_name, properties, opts)
