"""Settings of a cluster that cannot change: the program rejects a change before Pulumi acts on it.

Otherwise Pulumi would replace the cluster and everything in it. The state stores the settings that the cluster was
created with next to the cluster, so they move with it in a `pulumi state move`.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import dynamic

from components.schema import problems

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


def _with_whole_numbers(settings: Settings) -> Settings:
    """Return whole numbers as `int`: the engine's protocol has only floats."""
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value for key, value in settings.items()
    }


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
        return dynamic.CheckResult(news, [dynamic.CheckFailure("", line) for line in found])

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Store the settings under the mesh's name."""
        return dynamic.CreateResult(props["mesh"], props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Report whether the stored settings change, which `check` has allowed."""
        changes = any(_olds.get(key) != _news[key] for key in ("settings", "members"))
        return dynamic.DiffResult(changes=changes)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Store added members, and settings that an earlier version of this program did not store."""
        return dynamic.UpdateResult(_news)


class ImmutableSettings(dynamic.Resource, module="multimesh", name="ImmutableSettings"):
    """The immutable settings of a mesh's cluster; all resources of the cluster depend on this resource.

    `members` are the numbers of nodes that are etcd members; they may grow.
    """

    def __init__(
        self,
        resource_name: str,
        mesh: str,
        settings: Settings,
        opts: pulumi.ResourceOptions,
        members: Settings | None = None,
    ) -> None:
        properties = {"mesh": mesh, "settings": dict(settings), "members": dict(members or {})}
        super().__init__(ImmutableSettingsProvider(), resource_name, properties, opts)
