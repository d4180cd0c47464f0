"""The AMI that a node boots from: the newest of Ubuntu's for its processor, or one that the user pinned."""

from dataclasses import dataclass
from typing import Any

import pulumi

from components.clusters.ec2.scope import Scope
from components.clusters.kubeadm.configuration import UBUNTU

CANONICAL = "099720109477"
_PROCESSORS = {"x86_64": "amd64", "arm64": "arm64"}
# kubeadm's own minimum for a control-plane node; a smaller worker has no room for Istio's control plane either.
_CPUS = 2
_MEBIBYTES = 1700


@dataclass(frozen=True)
class Image:
    """An AMI, and the device name of its root volume."""

    id: pulumi.Output[str]
    root_device: pulumi.Output[str]


def look_up(scope: Scope, role: str, instance_type: str, ami: str | None) -> Image:
    """Return the AMI for an instance type; `role` is the key inside `cluster` that holds the type.

    The output fails with AwsLookUpError if AWS does not know the type or the image, or the type is too small.
    """
    path = (role, "instance_type")

    def processor(found: dict[str, Any]) -> str:
        cpus, memory = int(found["defaultVcpus"]), int(found["memorySize"])
        if cpus < _CPUS or memory < _MEBIBYTES:
            has = f"it has {cpus} and {memory} MiB"
            raise scope.fault(path, instance_type, f"must have at least {_CPUS} CPUs and {_MEBIBYTES} MiB; {has}")
        return _PROCESSORS[found["supportedArchitectures"][0]]

    described = scope.look_up(
        "aws:ec2/getInstanceType:getInstanceType", {"instanceType": instance_type}, path, instance_type
    )
    wanted = described.apply(processor).apply(lambda processor: _pinned(ami) if ami else _newest(processor))
    found = scope.look_up(
        "aws:ec2/getAmi:getAmi", {"filters": wanted, "mostRecent": True, **_owners(ami)}, ("ami",), ami
    )
    return Image(found.apply(lambda image: image["imageId"]), found.apply(lambda image: image["rootDeviceName"]))


def _owners(ami: str | None) -> dict[str, list[str]]:
    # Anybody may publish an AMI with Ubuntu's name.
    return {} if ami else {"owners": [CANONICAL]}


def _pinned(ami: str) -> list[dict[str, Any]]:
    return [{"name": "image-id", "values": [ami]}]


def _newest(processor: str) -> list[dict[str, Any]]:
    return [
        {"name": "name", "values": [f"ubuntu/images/hvm-ssd-gp3/ubuntu-{UBUNTU}-{processor}-server-*"]},
        {"name": "virtualization-type", "values": ["hvm"]},
    ]
