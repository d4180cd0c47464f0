"""Instances start from launch templates of the stack alone: what another one says, no rule can judge."""

from collections.abc import Iterator, Mapping
from typing import Any

from inputs import plain
from pulumi_policy import ReportViolation, StackValidationArgs, StackValidationPolicy

_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_USED = {
    "aws:autoscaling/group:Group": ("launchTemplate", "mixedInstancesPolicy"),
    "aws:ec2/fleet:Fleet": ("launchTemplateConfigs",),
    "aws:ec2/instance:Instance": ("launchTemplate",),
    "aws:ec2/spotFleetRequest:SpotFleetRequest": ("launchTemplateConfigs",),
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest": ("launchTemplate",),
    "aws:eks/nodeGroup:NodeGroup": ("launchTemplate",),
}
"""The inputs that name a launch template."""
_REQUIRED = {"aws:eks/nodeGroup:NodeGroup"}
"""What EKS starts without one serves its metadata to pods, too."""


def _validate(args: StackValidationArgs, report: ReportViolation) -> None:
    own = [plain(resource.props) for resource in args.resources if resource.resource_type == _TEMPLATE]
    names = {value for props in own for key in ("id", "name") if isinstance(value := props.get(key), str) and value}
    for resource in args.resources:
        props = plain(resource.props)
        used = [key for key in _USED.get(resource.resource_type, ()) if props.get(key)]
        for key in used or (_USED[resource.resource_type][:1] if resource.resource_type in _REQUIRED else ()):
            made_here = any(one.resource_type == _TEMPLATE for one in resource.property_dependencies.get(key, ()))
            named = set(_names(props.get(key)))
            if not made_here and not (named and named <= names):
                report(f"{key}: must be a launch template of this stack: no rule can judge another", resource.urn)


def _names(value: Any) -> Iterator[str]:
    """Return the ids or names of launch templates anywhere in an input."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in ("id", "name", "launchTemplateId", "launchTemplateName") and isinstance(inner, str):
                yield inner
            else:
                yield from _names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner)


RULE = StackValidationPolicy(
    name="own-launch-templates",
    description="Every instance that starts from a launch template starts from one of the stack.",
    validate=_validate,
)
