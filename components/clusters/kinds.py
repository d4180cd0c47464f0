"""Every kind of cluster that a mesh can be in."""

from components.clusters.cluster import Cluster
from components.clusters.ec2.settings import Ec2ClusterSettings
from components.clusters.existing.settings import ExistingClusterSettings
from components.clusters.gke.settings import GkeClusterSettings
from components.clusters.local.settings import LocalClusterSettings

ClusterSettings = LocalClusterSettings | ExistingClusterSettings | Ec2ClusterSettings | GkeClusterSettings


def make(name: str, settings: ClusterSettings, *, flat: bool = False) -> Cluster:
    """Make the cluster of a mesh; only the kinds that a stack uses are imported.

    In a `flat` network pods reach those of other clusters: routes that are made here by the kind local alone.
    """
    match settings.kind:
        case "local":
            from components.clusters.local.cluster import LocalCluster

            return LocalCluster(name, flat=flat)
        case "existing":
            from components.clusters.existing.cluster import ExistingCluster

            return ExistingCluster(name, settings)
        case "ec2":
            from components.clusters.ec2.cluster import Ec2Cluster

            return Ec2Cluster(name, settings)
        case "gke":
            from components.clusters.gke.cluster import GkeCluster

            return GkeCluster(name, settings)
