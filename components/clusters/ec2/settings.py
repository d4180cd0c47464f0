"""The settings of a cluster on EC2: region, size, network, and who may reach it."""

import re
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from components.schema.networks import ApiCidrs, Cidr, OwnCidr
from components.schema.strict import Strict
from components.versions import KUBERNETES_SERIES, KUBERNETES_VERSION

_REGION = r"(af|ap|ca|eu|il|me|mx|sa|us)-(central|(north|south)(east|west)?|east|west)-[1-9]"
_SIZE = r"(nano|micro|small|medium|large|([1-9][0-9]*)?xlarge|metal(-[1-9][0-9]*xl)?)"
_INSTANCE_TYPE = rf"[a-z]+[a-z0-9-]*[0-9][a-z0-9-]*\.{_SIZE}"
_ID = r"([0-9a-f]{8}|[0-9a-f]{17})"
_NODE_CIDR = "10.0.0.0/16"
_IMMUTABLE = {"region", "vpc", "availability_zones", "node_cidr", "pod_cidr", "service_cidr"}
_POD_BITS = 24  # kubeadm's default: each node gets a /24 of the pod CIDR


def _matching(pattern: str, allowed: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(allowed)
        return value

    return AfterValidator(check)


def _whole_number(lowest: int, highest: int, allowed: str) -> AfterValidator:
    def check(value: Any) -> int:
        if not lowest <= value <= highest:
            raise ValueError(allowed)
        return value

    return AfterValidator(check)


Region = Annotated[str, _matching(_REGION, "must be an AWS region such as eu-central-1 (not of China or GovCloud)")]
InstanceType = Annotated[str, _matching(_INSTANCE_TYPE, "must be an EC2 instance type such as t3.large")]
KubernetesVersion = Annotated[
    str,
    _matching(
        rf"({'|'.join(map(re.escape, KUBERNETES_SERIES))})\.(0|[1-9][0-9]*)",
        f"must be a version of Kubernetes {' or '.join(KUBERNETES_SERIES)}, such as {KUBERNETES_VERSION}",
    ),
]
Ami = Annotated[str, _matching(f"ami-{_ID}", "must be the id of an image: ami- and 17 of 0-9 and a-f")]
VpcId = Annotated[str, _matching(f"vpc-{_ID}", "must be the id of a VPC: vpc- and 17 of 0-9 and a-f")]
SubnetId = Annotated[str, _matching(f"subnet-{_ID}", "must be the id of a subnet: subnet- and 17 of 0-9 and a-f")]


class VpcSettings(Strict):
    """An existing VPC. Its private subnets must reach the internet through NAT, its public ones directly."""

    id: VpcId
    private_subnets: list[SubnetId]
    public_subnets: list[SubnetId]

    @field_validator("private_subnets", "public_subnets")
    @classmethod
    def _one_per_zone(cls, subnets: list[str], info: ValidationInfo) -> list[str]:
        private = info.data.get("private_subnets", subnets)
        if not 1 <= len(set(subnets)) == len(subnets) <= 3:
            raise ValueError("must be 1 to 3 subnets, each in a different availability zone")
        if len(private) != len(subnets):
            raise ValueError(f"must be as many as private_subnets, in the same zones: {len(private)}")
        return subnets


class ControlPlaneSettings(Strict):
    """The nodes that run etcd and the Kubernetes API."""

    nodes: int = 1
    instance_type: InstanceType = "t3.medium"

    @field_validator("nodes")
    @classmethod
    def _have_a_majority(cls, nodes: int) -> int:
        if nodes not in (1, 3, 5):
            raise ValueError("must be 1, 3 or 5: etcd needs a majority, and an even number of nodes adds nothing")
        return nodes


class WorkerSettings(Strict):
    """The nodes that run everything else; a new `generation` replaces them one by one."""

    nodes: Annotated[int, _whole_number(1, 250, "must be 1 to 250 workers")] = 1
    instance_type: InstanceType = "t3.large"
    generation: Annotated[int, _whole_number(1, 1_000_000, "must be a whole number, 1 or more")] = 1


class Ec2ClusterSettings(Strict):
    """A cluster on EC2 instances, created with kubeadm."""

    kind: Literal["ec2"]
    region: Region
    profile: str | None = None
    api_open_to_the_world: bool = False
    api_cidrs: ApiCidrs
    peer_cidrs: list[Cidr] = []
    control_plane: ControlPlaneSettings = ControlPlaneSettings()
    workers: WorkerSettings = WorkerSettings()
    kubernetes_version: KubernetesVersion = KUBERNETES_VERSION
    ami: Ami | None = None
    vpc: VpcSettings | None = None
    availability_zones: Annotated[int, _whole_number(1, 3, "must be 1 to 3 availability zones")] = 1
    node_cidr: OwnCidr = Field(None, validate_default=True)
    pod_cidr: OwnCidr = "10.1.0.0/16"
    service_cidr: OwnCidr = "10.2.0.0/16"

    @property
    def immutable(self) -> dict[str, Any]:
        """The settings that cannot change without replacing the cluster."""
        return self.model_dump(include=_IMMUTABLE)

    @field_validator("availability_zones")
    @classmethod
    def _are_those_of_the_subnets(cls, zones: int, info: ValidationInfo) -> int:
        if info.data.get("vpc"):
            raise ValueError("must be left out with vpc, whose subnets set the zones")
        return zones

    @field_validator("node_cidr", mode="before")
    @classmethod
    def _is_the_vpcs(cls, cidr: Any, info: ValidationInfo) -> Any:
        if cidr is None and info.data.get("vpc"):
            raise ValueError("must be the range of the VPC, such as 10.0.0.0/16, when vpc is set")
        return _NODE_CIDR if cidr is None else cidr

    @field_validator("node_cidr")
    @classmethod
    def _can_be_cut_into_subnets(cls, cidr: str, info: ValidationInfo) -> str:
        smallest = 28 if info.data.get("vpc") else 24
        if not 16 <= IPv4Network(cidr).prefixlen <= smallest:
            raise ValueError(f"must be a range of /16 to /{smallest}, to be cut into subnets")
        return cidr

    @field_validator("pod_cidr")
    @classmethod
    def _has_room_for_every_node(cls, cidr: str, info: ValidationInfo) -> str:
        if "control_plane" not in info.data or "workers" not in info.data:
            return cidr
        # A replaced worker leaves only after its successor has joined.
        nodes = info.data["control_plane"].nodes + info.data["workers"].nodes + 1
        widest = _POD_BITS - (nodes - 1).bit_length()
        if IPv4Network(cidr).prefixlen > widest:
            raise ValueError(f"must hold a /24 for each of {nodes} nodes (one is a spare): use /{widest} or wider")
        return cidr

    @field_validator("service_cidr")
    @classmethod
    def _is_one_that_kubernetes_takes(cls, cidr: str) -> str:
        if not 12 <= IPv4Network(cidr).prefixlen <= 24:
            raise ValueError("must be a range of /12 to /24")
        return cidr
