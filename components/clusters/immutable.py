"""What cannot change of a cluster without another one in its place: a change is refused before anything is made of it.

Pulumi would make the other one and delete this one, with all that runs in it. What a cluster was made with is kept in
the state beside it, so it is known too where the cluster came from another stack by `pulumi state move`.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import dynamic

from components import problems


def changed(mesh: str, made_with: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return a line for each setting (its key inside `cluster`) that is wanted otherwise than the cluster has it."""
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


class ImmutableSettingsProvider(dynamic.ResourceProvider):
    """Keeps settings, and refuses others."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Compare with what is kept; `_olds` is empty for a cluster that is yet to be made."""
        found = changed(news["mesh"], _olds.get("settings", {}), news["settings"])
        return dynamic.CheckResult(news, [dynamic.CheckFailure("", line) for line in found])

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(props["mesh"], props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=_olds["settings"] != _news["settings"])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Take in settings that an older version of this program did not keep."""
        return dynamic.UpdateResult(_news)


class ImmutableSettings(dynamic.Resource, module="multimesh", name="ImmutableSettings"):
    """The settings of a mesh's cluster that cannot change; whatever the cluster is made of depends on it."""

    def __init__(
        self, resource_name: str, mesh: str, settings: Mapping[str, Any], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__(ImmutableSettingsProvider(), resource_name, {"mesh": mesh, "settings": dict(settings)}, opts)
