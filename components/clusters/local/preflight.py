"""What a cluster of the lab needs outside the stack: nothing that shows before it is made."""

from collections.abc import Sequence

from components.clusters.local.settings import LocalClusterSettings
from components.clusters.missing import Missing


def missing(_settings: LocalClusterSettings) -> Sequence[Missing]:
    """Return nothing: the lab brings everything itself."""
    return ()


def pod_cidrs(_settings: LocalClusterSettings) -> Sequence[str]:
    """Return nothing: the lab chooses a range of its own for each cluster when it makes the cluster."""
    return ()
