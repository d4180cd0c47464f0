"""Every kind of cluster that a mesh can be in."""

from typing import Literal

from components.settings.ec2 import Ec2ClusterSettings
from components.settings.existing import ExistingClusterSettings
from components.settings.gke import GkeClusterSettings
from components.settings.strict import Strict


class LocalClusterSettings(Strict):
    """A cluster of the lab, on this machine."""

    kind: Literal["local"]


ClusterSettings = LocalClusterSettings | ExistingClusterSettings | Ec2ClusterSettings | GkeClusterSettings
