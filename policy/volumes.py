"""Volumes on EC2 are encrypted. (On Google Cloud every disk is, and nothing can turn that off.)"""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type not in _VOLUMES:
        return
    for path, volume in _VOLUMES[args.resource_type](args.props):
        if str(volume.get("encrypted")).lower() != "true":  # launch templates say it in text
            report(f"{path}encrypted: must be true, is {volume.get('encrypted', 'not set')}", None)


Volumes = Iterator[tuple[str, Mapping[str, Any]]]


def _volume(props: Mapping[str, Any]) -> Volumes:
    yield "", props


def _instance(props: Mapping[str, Any]) -> Volumes:
    if props.get("rootBlockDevice") or not props.get("launchTemplate"):  # a launch template is judged on its own
        yield "rootBlockDevice.", props.get("rootBlockDevice") or {}
    for index, device in enumerate(props.get("ebsBlockDevices") or []):
        yield f"ebsBlockDevices[{index}].", device


def _launch_template(props: Mapping[str, Any]) -> Volumes:
    mappings = props.get("blockDeviceMappings") or []
    if not mappings:
        yield "blockDeviceMappings[0].ebs.", {}  # the root volume, as the machine image has it
    for index, mapping in enumerate(mappings):
        if mapping.get("ebs"):
            yield f"blockDeviceMappings[{index}].ebs.", mapping["ebs"]


_VOLUMES = {
    "aws:ebs/volume:Volume": _volume,
    "aws:ec2/instance:Instance": _instance,
    "aws:ec2/launchTemplate:LaunchTemplate": _launch_template,
}

RULE = ResourceValidationPolicy(
    name="encrypted-volumes",
    description="Every volume is encrypted.",
    validate=_validate,
)
