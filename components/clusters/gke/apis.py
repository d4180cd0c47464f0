"""The Google APIs that a GKE cluster needs."""

from collections.abc import Sequence

import pulumi_gcp as gcp

from components.clusters.gke.scope import Scope
from components.clusters.gke.settings import GkeClusterSettings

APIS = (
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "iam.googleapis.com",
)


BINARY_AUTHORIZATION = "binaryauthorization.googleapis.com"


def enable(scope: Scope, settings: GkeClusterSettings) -> Sequence[gcp.projects.Service]:
    """Enable the APIs. `pulumi destroy` leaves them enabled, because other users of the project may need them."""
    return [
        gcp.projects.Service(
            f"{scope.mesh}-{api.partition('.')[0]}", service=api, disable_on_destroy=False, opts=scope.options()
        )
        for api in (*APIS, *([BINARY_AUTHORIZATION] if settings.binary_authorization else []))
    ]
