"""A cluster of the lab.

Older states name its provider `components.clusters.local.LabProvider`, from when this folder was one file. The name
must stay importable until every stack created before this release is destroyed, or has had a `pulumi up` that changed
its clusters. An `up` that changes nothing leaves the old name in the state.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "LabProvider":
        from components.clusters.local.provider import LabProvider

        return LabProvider
    raise AttributeError(name)
