"""What a cluster needs of the world before it can be made or used: API servers, credentials, tools."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from components.clusters import kubeconfig as kubeconfigs
from components.clusters.ec2 import preflight as aws_credentials
from components.clusters.existing import preflight as reachable
from components.clusters.gke import preflight as gke_preflight
from components.schema.networks import placeholders

if TYPE_CHECKING:
    from components.clusters.kinds import ClusterSettings

Missing = tuple[tuple[str | int, ...], Any, str]
"""The path of a key inside `cluster`, its value, and what is missing or allowed."""


def missing(settings: "ClusterSettings") -> Iterable[Missing]:
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
