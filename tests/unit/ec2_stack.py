"""A stack of one mesh on EC2 under mocks."""

from typing import Any

from recording import Recorded, Recording, recorded

EC2 = {"kind": "ec2", "region": "eu-central-1", "api_cidrs": ["198.18.7.0/24"]}
VPC = {
    "id": "vpc-0123456789abcdef0",
    "private_subnets": ["subnet-0000000000000000a", "subnet-0000000000000000b"],
    "public_subnets": ["subnet-0000000000000000c", "subnet-0000000000000000d"],
}


def config(**given: Any) -> dict[str, Any]:
    return {"meshes": {"east": {"cluster": EC2 | given}}}


def made(**given: Any) -> Recording:
    return recorded(config(**given))


def rules(recording: Recording, port: int) -> dict[str, set[str]]:
    """Return which sources (ranges, or groups) may reach a port, by the group that has it."""
    found: dict[str, set[str]] = {}
    for rule in recording.of(":SecurityGroupIngressRule"):
        if rule.inputs["fromPort"] <= port <= rule.inputs["toPort"]:
            source = rule.inputs.get("cidrIpv4") or rule.inputs["referencedSecurityGroupId"]
            found.setdefault(rule.inputs["securityGroupId"], set()).add(source)
    return found


def of_aws(recording: Recording) -> list[Recorded]:
    return [resource for resource in recording.resources.values() if resource.type.startswith("aws:")]
