"""A cluster of the lab.

States made before this was a folder name its provider `components.clusters.local.LabProvider`: it stays importable.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "LabProvider":
        from components.clusters.local.cluster import LabProvider

        return LabProvider
    raise AttributeError(name)
