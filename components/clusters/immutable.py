"""What cannot change of a cluster without another one in its place: a change is refused before anything is made of it.

Pulumi would make the other one and delete this one, with all that runs in it. What a cluster was made with is kept in
the state beside it, so it is known too where the cluster came from another stack by `pulumi state move`.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import dynamic

from components.schema import problems

Settings = Mapping[str, Any]
"""Values by their key inside `cluster`."""


def changed(mesh: str, made_with: Settings, wanted: Settings) -> list[str]:
    """Return a line for each setting that is wanted otherwise than the cluster was made with."""
    return [
        problems.problem(
            ("meshes", mesh, "cluster", key),
            wanted[key],
            f"this cluster was made with {value!r}, and another value makes another cluster, in which nothing runs. "
            "Put it back; or give the new value to another mesh, move what runs here, and then take this mesh out",
        )
        for key, value in made_with.items()
        if key in wanted and wanted[key] != value
    ]


def shrunk(mesh: str, had: Settings, wanted: Settings) -> list[str]:
    """Return a line for each number of nodes that would shrink, and with it etcd, whose members they are."""
    return [
        problems.problem(
            ("meshes", mesh, "cluster", key),
            wanted[key],
            f"this cluster has {value}, the members of its etcd: one that is deleted does not leave it first, and "
            f"without a majority the cluster is lost. {value} or more are wanted",
        )
        for key, value in had.items()
        if key in wanted and wanted[key] < value
    ]


def _with_whole_numbers(settings: Settings) -> Settings:
    """Undo what the engine's protocol does to whole numbers: it has floats alone."""
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value for key, value in settings.items()
    }


class ImmutableSettingsProvider(dynamic.ResourceProvider):
    """Keeps settings, and refuses others."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Compare with what is kept; `_olds` is empty for a cluster that is yet to be made."""
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
        """Report a change of what is stored, which `check` has allowed."""
        changes = any(_olds.get(key) != _news[key] for key in ("settings", "members"))
        return dynamic.DiffResult(changes=changes)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Take in members that were added, and settings that an earlier version of this program did not keep."""
        return dynamic.UpdateResult(_news)


class ImmutableSettings(dynamic.Resource, module="multimesh", name="ImmutableSettings"):
    """The settings of a mesh's cluster that cannot change; whatever the cluster is made of depends on it.

    `members` are numbers of nodes that are members of its etcd, which may grow.
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
