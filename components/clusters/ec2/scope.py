"""What all resources of one EC2 cluster share: parent, provider, names, tags and the error of a look-up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.schema import problems


class AwsLookUpError(pulumi.RunError):
    """AWS rejected or did not find a configured value; the message has the path of the setting."""


@dataclass(frozen=True)
class Scope:
    """The parent, provider and names of the resources of one mesh's cluster."""

    mesh: str
    region: str
    component: pulumi.Resource
    provider: aws.Provider

    def options(self, *depends_on: pulumi.Resource, ignore_changes: list[str] | None = None) -> pulumi.ResourceOptions:
        """Return the options of a resource in this cluster."""
        return pulumi.ResourceOptions(
            parent=self.component,
            provider=self.provider,
            depends_on=list(depends_on),
            ignore_changes=ignore_changes,
        )

    def named(self, suffix: str) -> dict[str, str]:
        """Return the Name tag, which AWS's console shows; the provider adds the other tags."""
        return {"Name": f"{self.mesh}-{suffix}"}

    def all_tags(self, suffix: str) -> dict[str, str]:
        """Return all tags, for resources that AWS creates by itself and that do not get the provider's tags."""
        return {**tags(self.mesh), **self.named(suffix)}

    def fault(self, path: tuple[str, ...], value: Any, message: str) -> AwsLookUpError:
        """Return the error for a key inside `cluster`."""
        return AwsLookUpError(problems.problem(("meshes", self.mesh, "cluster", *path), value, message))

    def look_up(
        self, token: str, inputs: Mapping[str, Any], path: tuple[str, ...], value: Any
    ) -> pulumi.Output[dict[str, Any]]:
        """Return AWS's answer; if AWS rejects the request, the error names the setting at `path` inside `cluster`."""

        options = pulumi.InvokeOptions(parent=self.component, provider=self.provider)

        async def answer() -> dict[str, Any]:
            try:
                return await pulumi.runtime.invoke_async(token, dict(inputs), options)
            except AwsLookUpError:  # raised by an input of this look-up
                raise
            except Exception as error:  # the SDK raises no other
                reason = " ".join(str(error).split()).removeprefix(f"invoke of {token} failed: ").removesuffix(" ()")
                raise self.fault(path, value, f"AWS says: {reason}") from error

        return pulumi.Output.from_input(answer())


def tags(mesh: str) -> dict[str, str]:
    """Return the tags of everything that belongs to a mesh."""
    return {"project": pulumi.get_project(), "stack": pulumi.get_stack(), "mesh": mesh}
