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
    yield from _devices("", props)


def _launch_configuration(props: Mapping[str, Any]) -> Volumes:
    yield "rootBlockDevice.", props.get("rootBlockDevice") or {}
    yield from _devices("", props)


def _spot_fleet(props: Mapping[str, Any]) -> Volumes:
    for index, one in enumerate(props.get("launchSpecifications") or []):
        path = f"launchSpecifications[{index}]."
        for number, device in enumerate(one.get("rootBlockDevices") or [{}]):
            yield f"{path}rootBlockDevices[{number}].", device
        yield from _devices(path, one)


def _devices(path: str, props: Mapping[str, Any]) -> Volumes:
    for index, device in enumerate(props.get("ebsBlockDevices") or []):
        yield f"{path}ebsBlockDevices[{index}].", device


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
    "aws:ec2/launchConfiguration:LaunchConfiguration": _launch_configuration,
    "aws:ec2/launchTemplate:LaunchTemplate": _launch_template,
    "aws:ec2/spotFleetRequest:SpotFleetRequest": _spot_fleet,
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest": _instance,
}

RULE = ResourceValidationPolicy(
    name="encrypted-volumes",
    description="Every volume is encrypted.",
    validate=_validate,
)
