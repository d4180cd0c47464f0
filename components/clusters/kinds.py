"""The registry of cluster kinds. Each kind is a folder next to this file, and is listed here.

The folder has the name of the setting `kind`, and holds `settings.py`, `preflight.py` (`missing`, `unreadable`,
`pod_cidrs`) and
`cluster.py` (the component). `cluster.py` is imported only when a stack has such a cluster: a cloud's SDK costs seconds
and 180 MB. `settings.py` and `preflight.py` must not import an SDK.
"""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

from components.clusters.cluster import Cluster
from components.clusters.ec2.settings import Ec2ClusterSettings
from components.clusters.existing.settings import ExistingClusterSettings
from components.clusters.gke.settings import GkeClusterSettings
from components.clusters.local.settings import LocalClusterSettings
from components.clusters.missing import Missing

ClusterSettings = LocalClusterSettings | ExistingClusterSettings | Ec2ClusterSettings | GkeClusterSettings

COMPONENTS = {"local": "LocalCluster", "existing": "ExistingCluster", "ec2": "Ec2Cluster", "gke": "GkeCluster"}
"""The component class in each kind's `cluster.py`, by kind."""


def make(
    name: str, settings: ClusterSettings, *, flat: bool = False, https: bool = False, adopt: bool = False
) -> Cluster:
    """Create the cluster of the mesh `name`.

    In a `flat` network pods reach the pods of other clusters. Only the kind `local` creates the routes for that. With
    `https`, its gateway also takes HTTPS from outside. With `adopt`, what another Istio has left in it is taken over.
    """
    component = getattr(_module(settings, "cluster"), COMPONENTS[settings.kind])
    return component(name, {"settings": settings, "flat": flat, "https": https, "adopt": adopt})


def missing(
    settings: ClusterSettings,
    *,
    sample: bool,
    read_by_others: bool,
    adopt: bool = False,
    install: bool = True,
    revision: str | None = None,
    cni: bool = False,
) -> Iterable[Missing]:
    """Return what one cluster still needs outside the stack, such as credentials.

    `sample`, `read_by_others` and `cni` say what else the stack creates in it. Only an existing cluster can have it
    already. Istio may be there, too: the stack may `adopt` its parts, or `install` none. It installs a control plane of
    a `revision`.
    """
    there = {"sample": sample, "read_by_others": read_by_others, "cni": cni}
    there |= {"adopt": adopt, "install": install, "revision": revision}
    return _module(settings, "preflight").missing(settings, **(there if settings.kind == "existing" else {}))


def leftovers(settings: ClusterSettings, revision: str | None = None) -> Sequence[str]:
    """Return what an Istio that is gone has left in an existing cluster."""
    return _module(settings, "preflight").leftovers(settings, revision)


def unreadable(settings: ClusterSettings) -> Iterable[Missing]:
    """Return why the control planes of other clusters, with what the settings say, could not read the cluster."""
    return _module(settings, "preflight").unreadable(settings)


def pod_cidrs(settings: ClusterSettings) -> Sequence[str]:
    """Return the pod CIDRs of a cluster that are known before the cluster is created."""
    return _module(settings, "preflight").pod_cidrs(settings)


def _module(settings: ClusterSettings, name: str) -> Any:
    return import_module(f"{__package__}.{settings.kind}.{name}")
