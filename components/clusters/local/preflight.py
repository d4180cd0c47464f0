"""The preflight of a lab cluster: there is nothing to check before it is created."""

from collections.abc import Sequence

from components.clusters.local.settings import LocalClusterSettings
from components.clusters.missing import Missing


def missing(_settings: LocalClusterSettings) -> Sequence[Missing]:
    """Return nothing: the lab brings everything itself."""
    return ()


def unreadable(_settings: LocalClusterSettings) -> Sequence[Missing]:
    """Return nothing: other clusters reach the API server at the address in the kubeconfig."""
    return ()


def pod_cidrs(_settings: LocalClusterSettings) -> Sequence[str]:
    """Return nothing: the lab chooses each cluster's range when it creates the cluster."""
    return ()
