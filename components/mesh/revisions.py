"""The control planes of one mesh: the one that is configured, and former ones that are still used. Pure functions.

Each revision is a Helm release of its own, whose objects have its name, as Istio upgrades by a canary:
https://istio.io/latest/docs/setup/upgrade/canary/
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.clusters.cluster import Platform
from components.mesh import charts
from multimesh.injection import DEFAULT_REVISION

_IMAGES = (
    ("global", "hub"),
    ("global", "tag"),
    ("global", "variant"),
    ("global", "proxy", "image"),
    ("global", "proxy_init", "image"),
    ("hub",),
    ("tag",),
    ("variant",),
    ("image",),
)
"""The Helm values of istiod that name images: a control plane keeps those that it was installed with."""


@dataclass(frozen=True)
class Installed:
    """A control plane that is installed: its revision, its chart as arguments of a Release, and its images' values."""

    revision: str
    chart: Mapping[str, Any]
    images: Mapping[str, Any]

    @property
    def folder(self) -> str | None:
        """The folder that its chart is in; None if a repository has it."""
        return None if "version" in self.chart else self.chart["chart"]

    @property
    def is_changed(self) -> bool:
        """Whether the folder has another chart now, or none: this control plane could not be installed again."""
        return self.folder is not None and charts.described(self.folder) != self.chart.get("description")

    def on(self, platform: Platform) -> Platform:
        """Return the platform with this control plane's images in place of those that are configured."""
        istiod = _without_images(platform.values.get("istiod", {}))
        # A tag is of one control plane: that which is configured.
        istiod = charts.merged(istiod, self.images, {"revisionTags": []} if "revisionTags" in istiod else {})
        return replace(platform, values={**platform.values, "istiod": istiod})


@dataclass(frozen=True)
class ControlPlanes:
    """The revision that is configured, and the `former` control planes that stay beside it."""

    revision: str = DEFAULT_REVISION
    former: Sequence[Installed] = ()

    @property
    def named(self) -> list[str]:
        """The revisions that have a name, which is in the certificates of their istiods."""
        return sorted({self.revision, *(one.revision for one in self.former)} - {DEFAULT_REVISION})

    @property
    def validating(self) -> str:
        """The revision that validates Istio's objects for all: the one that was there first."""
        return self.former[0].revision if self.former else self.revision


ONE = ControlPlanes()
"""A control plane without a revision."""


def release(revision: str) -> str:
    """Return the name of a control plane's Helm release, which its Deployment and its Service have, too."""
    return "istiod" if revision == DEFAULT_REVISION else f"istiod-{revision}"


def values(revision: str) -> dict[str, Any]:
    """Return the value of Istio's charts that says to which control plane something belongs; none for the default."""
    return {} if revision == DEFAULT_REVISION else {"revision": revision}


def installed(releases: Mapping[str, Mapping[str, Any]], mesh: str) -> Iterator[Installed]:
    """Yield the control planes of a mesh among the releases in the stack's state (outputs by resource name)."""
    for name in sorted(releases):
        found = releases[name]
        given = found.get("values") or {}
        revision = given.get("revision") or DEFAULT_REVISION
        if name != f"{mesh}-{release(revision)}" or given.get("profile") == "remote":
            continue
        repository = str(found["chart"]).startswith("oci://") or found.get("repositoryOpts")
        kept = ("chart", "version", "repositoryOpts") if repository else ("chart", "description")
        yield Installed(revision, {key: found[key] for key in kept if found.get(key)}, _images(given))


def _images(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in _IMAGES:
        inner: Any = given
        for key in path:
            inner = inner.get(key) if isinstance(inner, Mapping) else None
        if inner:
            for key in reversed(path):
                inner = {key: inner}
            found = charts.merged(found, inner)
    return found


def _without_images(given: Mapping[str, Any], paths: Sequence[Sequence[str]] = _IMAGES) -> dict[str, Any]:
    """Return values without those of images."""
    here, below = {path[0] for path in paths if len(path) == 1}, [path for path in paths if len(path) > 1]
    return {
        key: _without_images(inner, [path[1:] for path in below if path[0] == key])
        if isinstance(inner, Mapping) and any(path[0] == key for path in below)
        else inner
        for key, inner in given.items()
        if key not in here
    }
