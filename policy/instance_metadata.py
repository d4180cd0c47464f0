"""A node's credentials are served by IMDSv2 only, and to the node alone: pods are one hop further away.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html
"""

from inputs import plain
from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

_WANTED = {"httpTokens": "required", "httpPutResponseHopLimit": 1}
_KINDS = {
    f"aws:ec2/{kind[0].lower()}{kind[1:]}:{kind}"
    for kind in ("Instance", "LaunchConfiguration", "LaunchTemplate", "SpotInstanceRequest")
}


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type == "aws:ec2/spotFleetRequest:SpotFleetRequest":
        for index, _ in enumerate(args.props.get("launchSpecifications") or []):
            report(f"launchSpecifications[{index}]: must be a launch template: it cannot require IMDSv2", None)
    if args.resource_type not in _KINDS:
        return
    options = args.props.get("metadataOptions")
    if options is None and args.props.get("launchTemplate"):
        return  # the launch template is judged on its own
    for key, wanted in _WANTED.items():
        if (given := plain((options or {}).get(key))) != wanted:
            report(f"metadataOptions.{key}: must be {wanted}, is {'not set' if given is None else given}", None)


RULE = ResourceValidationPolicy(
    name="imdsv2-required",
    description="Instance metadata requires IMDSv2, with a hop limit of 1.",
    validate=_validate,
)
