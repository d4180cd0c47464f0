"""Where the nodes of an existing cluster have the pod network, as far as its API server's version tells."""

from collections.abc import Iterator

from components.clusters.existing.occupied import Read
from components.clusters.existing.settings import NodeFolders

_BY_VERSION = {
    "-gke.": ("GKE", NodeFolders(bin_dir="/home/kubernetes/bin")),
    "+k3s": (
        "k3s",
        NodeFolders(bin_dir="/var/lib/rancher/k3s/data/cni", conf_dir="/var/lib/rancher/k3s/agent/etc/cni/net.d"),
    ),
}
"""By a part of the version, as Istio's profiles for platforms have it.

The chart itself does not tell GKE by the version, though it is written to: an empty value does not undo its default.
"""


def faults(read: Read, given: NodeFolders | None) -> Iterator[str]:
    """Yield what is wrong if nodes of a cluster have other folders than the usual ones, and none are `given`."""
    versions = [found.get("gitVersion", "") for found in read("/version")]
    for part, (name, folders) in _BY_VERSION.items():
        if given is None and (version := next((one for one in versions if part in one), None)):
            keys = ", ".join(f"{key}: {folder}" for key, folder in folders.model_dump(exclude_defaults=True).items())
            yield (
                f"it is a cluster of {name} ({version}), whose nodes have the pod network in other folders than most, "
                f"so that sidecars would not start with the node agent (istio.cni): set cluster.cni: {{{keys}}}"
            )
