"""A cluster of the lab.

States that were made when this was one file name its provider `components.clusters.local.LabProvider`, which therefore
stays importable until every stack made before this release has had a `pulumi up` that changed its clusters, or was
destroyed. An `up` that changes nothing leaves the old name in the state.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "LabProvider":
        from components.clusters.local.provider import LabProvider

        return LabProvider
    raise AttributeError(name)
