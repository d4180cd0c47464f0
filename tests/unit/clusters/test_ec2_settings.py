"""What a cluster of kind `ec2` may say, and the one message that each mistake gets."""

from typing import Any

import pytest

from components import settings
from components.clusters.ec2.settings import Ec2ClusterSettings

EC2 = {"kind": "ec2", "region": "eu-central-1", "api_cidrs": ["198.18.7.0/24"]}
VPC = {
    "id": "vpc-0123456789abcdef0",
    "private_subnets": ["subnet-0000000000000000a"],
    "public_subnets": ["subnet-0000000000000000b"],
}
REGION = "must be an AWS region such as eu-central-1 (not of China or GovCloud)"
INSTANCE_TYPE = "must be an EC2 instance type such as t3.large"
MAJORITY = "must be 1, 3 or 5: etcd needs a majority, and an even number of nodes adds nothing"
WORKERS = "must be 1 to 250 workers"
CIDR = "must be an IPv4 network such as 10.0.0.0/16"
KUBERNETES = "must be a version of Kubernetes 1.36 or 1.37, such as 1.37.2"
SUBNETS = "must be 1 to 3 subnets, each in a different availability zone"


def validated(cluster: dict[str, Any]) -> Ec2ClusterSettings:
    found = settings.validate({"meshes": {"east": {"cluster": cluster}}}).meshes["east"].cluster
    assert isinstance(found, Ec2ClusterSettings)
    return found


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in EC2.items() if name != key}


def vpc(**given: Any) -> dict[str, Any]:
    return {"vpc": VPC | given, "node_cidr": "10.9.0.0/16"}


BAD_INPUT: list[tuple[dict[str, Any], str]] = [
    (without("region"), "region: is missing"),
    *(
        (EC2 | {"kubernetes_version": version}, f"kubernetes_version: {version!r}: {KUBERNETES}")
        for version in ("1.35.9", "1.38.0", "v1.37.2", "1.37", "1.37.02", "1.37.x", "1.37.2-rc.1", "latest", "")
    ),
    (EC2 | {"kubernetes_version": 1.37}, "kubernetes_version: 1.37: "),
    (EC2 | {"regoin": "a"}, "regoin: unknown key; did you mean region?"),
    *(
        (EC2 | {"region": region}, f"region: {region!r}: {REGION}")
        for region in (
            "eu-centrall-1",
            "eu-central",
            "eu--1",
            "europe-west1",
            "EU-central-1",
            "cn-north-1",
            "us-gov-west-1",
            "",
        )
    ),
    (EC2 | {"region": 1}, "region: 1: must be text"),
    # Nodes
    *(
        (EC2 | {role: {"instance_type": name}}, f"{role}.instance_type: {name!r}: {INSTANCE_TYPE}")
        for role in ("control_plane", "workers")
        for name in ("t3.lrage", "t3large", "t3", "t3.0xlarge", "large.t3", "")
    ),
    *(
        (EC2 | {"control_plane": {"nodes": nodes}}, f"control_plane.nodes: {nodes}: {MAJORITY}")
        for nodes in (0, 2, 4, 7)
    ),
    *((EC2 | {"workers": {"nodes": nodes}}, f"workers.nodes: {nodes}: {WORKERS}") for nodes in (0, -1, 251)),
    (EC2 | {"workers": {"nodes": "2"}}, "workers.nodes: '2': must be a whole number"),
    (EC2 | {"workers": {"generation": 0}}, "workers.generation: 0: must be a whole number, 1 or more"),
    (EC2 | {"workers": {"count": 2}}, "workers.count: unknown key; allowed: generation, instance_type, nodes"),
    (EC2 | {"ami": "ami-1"}, "ami: 'ami-1': must be the id of an image: ami- and 17 of 0-9 and a-f"),
    # Who may reach it
    (without("api_cidrs"), "api_cidrs: is missing"),
    (
        EC2 | {"api_cidrs": []},
        "api_cidrs: must list at least one IPv4 network, or nobody could reach the Kubernetes API",
    ),
    (
        EC2 | {"api_cidrs": ["0.0.0.0/0"]},
        "api_cidrs: 0.0.0.0/0 opens the Kubernetes API to the world; if you intend that, set "
        "api_open_to_the_world: true",
    ),
    (EC2 | {"api_cidrs": ["198.18.7.9"]}, f"api_cidrs[0]: '198.18.7.9': {CIDR}"),
    (EC2 | {"peer_cidrs": ["10.0.0.1/8"]}, f"peer_cidrs[0]: '10.0.0.1/8': {CIDR}, with no bits set after the prefix"),
    # Network
    (EC2 | {"node_cidr": "10.0.0.0"}, f"node_cidr: '10.0.0.0': {CIDR}"),
    *(
        (EC2 | {"node_cidr": cidr}, f"node_cidr: {cidr!r}: must be a range of /16 to /24, to be cut into subnets")
        for cidr in ("172.16.0.0/12", "10.0.0.0/25")
    ),
    (
        EC2 | {"pod_cidr": "10.0.128.0/17"},
        "pod_cidr: '10.0.128.0/17': must not overlap node_cidr, which is 10.0.0.0/16",
    ),
    (
        EC2 | {"service_cidr": "10.1.128.0/20"},
        "service_cidr: '10.1.128.0/20': must not overlap pod_cidr, which is 10.1.0.0/16",
    ),
    (
        EC2 | {"pod_cidr": "10.1.0.0/23"},
        "pod_cidr: '10.1.0.0/23': must hold a /24 for each of 3 nodes (one is a spare): use /22 or wider",
    ),
    (
        EC2 | {"pod_cidr": "10.1.0.0/20", "control_plane": {"nodes": 3}, "workers": {"nodes": 13}},
        "pod_cidr: '10.1.0.0/20': must hold a /24 for each of 17 nodes (one is a spare): use /19 or wider",
    ),
    *(
        (EC2 | {"service_cidr": cidr}, f"service_cidr: {cidr!r}: must be a range of /12 to /24")
        for cidr in ("10.3.0.0/25", "96.0.0.0/11")
    ),
    *(
        (EC2 | {"availability_zones": zones}, f"availability_zones: {zones}: must be 1 to 3 availability zones")
        for zones in (0, 4)
    ),
    # A VPC that is there
    (EC2 | {"vpc": VPC}, "node_cidr: null: must be the range of the VPC, such as 10.0.0.0/16, when vpc is set"),
    (EC2 | vpc(id="vpc-1"), "vpc.id: 'vpc-1': must be the id of a VPC: vpc- and 17 of 0-9 and a-f"),
    (EC2 | vpc(private_subnets=[]), f"vpc.private_subnets: {SUBNETS}"),
    (EC2 | vpc(public_subnets=["subnet-0000000000000000b"] * 2), f"vpc.public_subnets: {SUBNETS}"),
    (
        EC2 | vpc(public_subnets=["subnet-0000000000000000b", "subnet-0000000000000000c"]),
        "vpc.public_subnets: must be as many as private_subnets, in the same zones: 1",
    ),
    (
        EC2 | vpc(private_subnets=["a"]),
        "vpc.private_subnets[0]: 'a': must be the id of a subnet: subnet- and 17 of 0-9 and a-f",
    ),
    (
        EC2 | vpc() | {"availability_zones": 1},
        "availability_zones: 1: must be left out with vpc, whose subnets set the zones",
    ),
]


@pytest.mark.parametrize(("cluster", "message"), BAD_INPUT, ids=[message[:60] for _, message in BAD_INPUT])
def test_a_mistake_is_named_by_path_value_and_what_is_allowed(cluster: dict[str, Any], message: str) -> None:
    with pytest.raises(settings.SettingsError) as error:
        validated(cluster)
    (line,) = str(error.value).splitlines()[1:]
    assert line.strip().startswith(f"multimesh:meshes.east.cluster.{message}")


def test_all_mistakes_are_named_at_once() -> None:
    wrong = EC2 | {"region": "nowhere", "api_cidrs": [], "workers": {"nodes": 0}, "service_cidr": "10.1.0.0/20"}
    with pytest.raises(settings.SettingsError) as error:
        validated(wrong)
    assert str(error.value).startswith("the stack's configuration has 4 mistakes; nothing was changed:")


@pytest.mark.parametrize(
    "region", ["eu-central-1", "us-east-1", "ap-southeast-4", "il-central-1", "ca-west-1", "mx-central-1"]
)
def test_regions_of_the_public_partition_are_taken(region: str) -> None:
    assert validated(EC2 | {"region": region}).region == region


@pytest.mark.parametrize(
    "name", ["t3.large", "m7gd.16xlarge", "u-6tb1.metal", "u7in-16tb.224xlarge", "c7a.metal-48xl", "t4g.nano"]
)
def test_instance_types_are_taken_whatever_their_generation(name: str) -> None:
    assert validated(EC2 | {"workers": {"instance_type": name}}).workers.instance_type == name


def test_an_open_api_is_taken_when_it_is_said() -> None:
    assert validated(EC2 | {"api_cidrs": ["0.0.0.0/0"], "api_open_to_the_world": True}).api_cidrs == ["0.0.0.0/0"]


def test_a_vpc_that_is_there_is_taken() -> None:
    found = validated(EC2 | vpc())
    assert (found.vpc is not None, found.node_cidr) == (True, "10.9.0.0/16")
