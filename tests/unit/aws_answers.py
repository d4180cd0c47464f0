"""What AWS's provider would answer under mocks, as far as EC2 clusters read it."""

import zlib
from typing import Any

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "mock", "AWS_SECRET_ACCESS_KEY": "mock"}
REFUSED: dict[str, str] = {}
"""What AWS refuses to tell, with its reason, by the look-up's token; emptied by the test that fills it."""
VPC_CIDR = "10.9.0.0/16"


def _address(name: str, network: str) -> str:
    return f"{network}.{zlib.crc32(name.encode()) % 250 + 1}"


def outputs(kind: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return what a resource of a kind, such as `ec2/eip:Eip`, has besides its inputs."""
    found: dict[str, Any] = {"arn": f"arn:{name}"}
    match kind.rpartition(":")[2]:
        case "Eip":
            found |= {"publicIp": _address(name, "198.51.100"), "allocationId": f"{name}-allocation"}
        case "NetworkInterface":
            found["privateIp"] = _address(name, "10.0.0")
        case "LoadBalancer":
            found["dnsName"] = f"{name}.elb.example.com"
        case "LaunchTemplate":
            found["latestVersion"] = 1
        case "Zone":
            found["zoneId"] = f"{name}-zone"
        case "Role" | "InstanceProfile":
            found["name"] = f"{inputs['namePrefix']}1"
    return found


def look_up(token: str, inputs: dict[str, Any]) -> dict[str, Any] | tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return what a look-up finds, or with what reason it is refused."""
    if token in REFUSED:
        return {}, [("", REFUSED[token])]
    match token.rpartition(":")[2]:
        case "getAvailabilityZones":
            return {"names": ["eu-central-1b", "eu-central-1a", "eu-central-1c"]}
        case "getInstanceType":
            arm = inputs["instanceType"].partition(".")[0].endswith("g")
            memory = 1024 if inputs["instanceType"].endswith(".micro") else 4096
            return {
                "defaultVcpus": 2,
                "memorySize": memory,
                "supportedArchitectures": ["arm64" if arm else "x86_64"],
            }
        case "getAmi":
            ((name, *_),) = (wanted["values"] for wanted in inputs["filters"] if wanted["name"] in ("name", "image-id"))
            return {"imageId": f"image {name}", "rootDeviceName": "/dev/sda1"}
        case "getCallerIdentity":
            return {"accountId": "123456789012", "arn": "arn:aws:sts::123456789012:assumed-role/deployer/session"}
        case "getSessionContext":
            return {"issuerArn": "arn:aws:iam::123456789012:role/deployer"}
        case "getVpc":
            return {"cidrBlock": VPC_CIDR}
    return {}
