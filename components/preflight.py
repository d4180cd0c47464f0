"""What the clusters need of the world before anything is made: API servers that answer, credentials, tools."""

from collections.abc import Iterable
from typing import Any

from components.clusters import kubeconfig as kubeconfigs
from components.clusters import pod_networks
from components.clusters.ec2 import preflight as aws_credentials
from components.clusters.existing import preflight as reachable
from components.clusters.gke import preflight as gke_preflight
from components.clusters.kinds import ClusterSettings
from components.schema import problems
from components.schema.networks import placeholders
from components.schema.problems import SettingsError
from components.settings import Settings

Missing = tuple[tuple[str | int, ...], Any, str]
"""The path of a key inside `cluster`, its value, and what is missing or allowed."""


def check(settings: Settings) -> None:
    """Ask what every cluster needs of the world. Raises SettingsError naming all that is missing."""
    found = [
        problems.problem(("meshes", mesh, "cluster", *path), value, message)
        for mesh, mesh_settings in settings.meshes.items()
        for path, value, message in _missing(mesh_settings.cluster)
    ]
    # What does not answer cannot be asked where its pods are.
    if not found and settings.flat:
        cidrs = {mesh: pod_networks.of(mesh_settings.cluster) for mesh, mesh_settings in settings.meshes.items()}
        found = [
            problems.problem(
                ("meshes", other, "cluster"),
                theirs,
                f"the pods of {one} have addresses of {ours}: a flat network wants ranges apart. No cluster changes "
                "its range and keeps its pods: make another one beside it, or set topology.network: gateways",
            )
            for one, other, ours, theirs in pod_networks.overlaps(cidrs)
        ]
    if found:
        raise SettingsError(problems.report(found))


def _missing(settings: ClusterSettings) -> Iterable[Missing]:
    """Return all that is missing for one cluster."""
    match settings.kind:
        case "local":
            return []
        case "existing":
            return _unreachable(settings.kubeconfig, settings.context)
        case "ec2":
            return [*_of_examples(settings.api_cidrs), *aws_credentials.missing(settings.profile)]
        case "gke":
            return [*_of_examples(settings.api_cidrs), *gke_preflight.missing(settings)]


def _unreachable(kubeconfig: str, context: str | None) -> Iterable[Missing]:
    try:
        reachable.check(kubeconfigs.load(kubeconfig, context)[0])
    except kubeconfigs.KubeconfigError as error:
        yield ("kubeconfig",), kubeconfig, str(error)


def _of_examples(api_cidrs: list[str]) -> Iterable[Missing]:
    for index, cidr in placeholders(api_cidrs):
        yield (
            ("api_cidrs", index),
            cidr,
            "only examples have this range; put yours, such as your own address followed by /32",
        )
