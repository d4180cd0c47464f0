"""What all resources of one GKE cluster share: the component, the provider, names and labels."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp


@dataclass(frozen=True)
class Scope:
    """The parent, provider and labels of the resources of one mesh's cluster."""

    mesh: str
    component: pulumi.Resource
    provider: gcp.Provider
    labels: Mapping[str, str]

    def options(self, *depends_on: pulumi.Resource, ignore_changes: list[str] | None = None) -> pulumi.ResourceOptions:
        """Return the options of a resource in this cluster."""
        return pulumi.ResourceOptions(
            parent=self.component,
            provider=self.provider,
            depends_on=list(depends_on),
            ignore_changes=ignore_changes,
        )
