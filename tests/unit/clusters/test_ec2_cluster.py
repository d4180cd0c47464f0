"""A cluster on EC2 under mocks: what it consists of, its network, and who reaches what."""

import json
import re
from typing import Any

import aws_answers
import pytest
import yaml
from ec2_stack import EC2, VPC, config, made, of_aws, rules
from recording import Recorded, record, recorded
from syrupy.assertion import SnapshotAssertion

from components.clusters.ec2 import scope
from components.clusters.ec2.subnets import subnets
from components.versions import KUBERNETES_VERSION

EVERYWHERE = "0.0.0.0/0"


# The whole


def test_the_component_is_this_tree(snapshot: SnapshotAssertion) -> None:
    resources = made().resources.values()
    children: dict[str, list[Recorded]] = {}
    for resource in resources:
        children.setdefault(resource.parent, []).append(resource)

    def lines(urn: str, depth: int) -> list[str]:
        found = sorted(children.get(urn, []), key=lambda child: (child.type, child.name))
        return [
            line
            for child in found
            for line in (f"{'  ' * depth}{child.type} {child.name}", *lines(child.urn, depth + 1))
        ]

    assert "\n".join(lines(made()["Ec2Cluster east"].urn, 0)) == snapshot


def test_nothing_is_made_before_it_is_known_that_the_cluster_stays_the_same() -> None:
    recording = made()
    for resource in of_aws(recording):
        assert "east-settings" in recording.after(resource.name), resource.name


def test_every_resource_of_aws_has_the_provider_of_its_region_and_tags() -> None:
    recording = made()
    provider = recording["east-aws"]
    assert provider.inputs["region"] == "eu-central-1"
    tags = json.loads(provider.inputs["defaultTags"])["tags"]
    assert tags == {"project": "multimesh", "stack": "test", "mesh": "east"}
    for resource in of_aws(recording):
        assert resource.provider.startswith(provider.urn), resource.name


@pytest.mark.parametrize(
    ("resource", "read"),
    [
        ("east-control-plane-0", lambda inputs: inputs["rootBlockDevice"]["tags"]),
        (f"east-workers-1-{KUBERNETES_VERSION}", lambda inputs: inputs["tagSpecifications"][0]["tags"]),
        (f"east-workers-1-{KUBERNETES_VERSION}", lambda inputs: inputs["tagSpecifications"][1]["tags"]),
        (
            "east-workers",
            lambda inputs: {tag["key"]: tag["value"] for tag in inputs["tags"] if tag["propagateAtLaunch"]},
        ),
    ],
)
def test_what_aws_makes_by_itself_is_tagged_too(resource: str, read: Any) -> None:
    assert read(made()[resource].inputs).items() >= {"project": "multimesh", "stack": "test", "mesh": "east"}.items()


def test_the_outputs_are_those_of_a_local_cluster() -> None:
    recording = made()
    address = recording.outputs["meshes"]["east"]["gateway_address"]
    assert re.fullmatch(r"198\.51\.100\.\d+", address), "the elastic IP"
    assert recording.outputs["meshes"]["east"]["gateway_port"] == 15443
    assert recording.outputs["meshes"]["east"]["ingress_url"] == f"http://{address}"
    kubeconfig = yaml.safe_load(recording.outputs["kubeconfigs"]["east"])
    assert kubeconfig["clusters"][0]["cluster"]["server"] == f"https://{address}:6443"
    assert recording.secret_outputs == {"kubeconfigs"}


def test_the_gateway_is_a_node_port_behind_the_load_balancers_ports() -> None:
    service = made()["east-gateway"].inputs["values"]["service"]
    assert service["type"] == "NodePort"
    assert {port["port"]: port.get("nodePort") for port in service["ports"]} == {80: 30080, 15443: 31443}


# Network


def test_subnets_are_eighths_and_a_further_zone_moves_none() -> None:
    assert subnets("10.0.0.0/16", 1) == (["10.0.0.0/19"], ["10.0.128.0/19"])
    one, three = subnets("10.0.0.0/24", 1), subnets("10.0.0.0/24", 3)
    assert one == (three[0][:1], three[1][:1])
    assert len({*three[0], *three[1]}) == 6


def test_nodes_are_in_private_subnets_and_only_the_load_balancer_and_nat_in_public_ones() -> None:
    recording = made()
    assert recording["east-workers"].inputs["vpcZoneIdentifiers"] == ["east-private-0-id"]
    assert recording["east-control-plane-0-interface"].inputs["subnetId"] == "east-private-0-id"
    assert recording["east-nat"].inputs["subnetId"] == "east-public-0-id"
    assert recording["east-load-balancer"].inputs["subnetMappings"] == [
        {"subnetId": "east-public-0-id", "allocationId": "east-address-0-allocation"}
    ]
    assert recording["east-private-route"].inputs["natGatewayId"] == "east-nat-id"
    assert recording["east-public-route"].inputs["gatewayId"] == "east-internet-id"
    assert not any(subnet.inputs.get("mapPublicIpOnLaunch") for subnet in recording.of(":Subnet"))


def test_more_zones_spread_nodes_and_give_each_zone_an_elastic_ip() -> None:
    recording = made(availability_zones=3, control_plane={"nodes": 3})
    zones = [recording[f"east-private-{i}"].inputs["availabilityZone"] for i in range(3)]
    assert zones == ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    subnets = [recording[f"east-control-plane-{i}-interface"].inputs["subnetId"] for i in range(3)]
    assert subnets == [f"east-private-{i}-id" for i in range(3)]
    assert len(recording["east-load-balancer"].inputs["subnetMappings"]) == 3
    assert recording.outputs["meshes"]["east"]["gateway_address"] == "east-load-balancer.elb.example.com"


def test_a_zone_that_aws_adds_moves_no_subnet() -> None:
    recording = made()
    assert recording.ignored[recording["east-private-0"].urn] == ["availabilityZone"]


def test_a_vpc_that_is_there_is_used_and_no_network_is_made() -> None:
    recording = made(vpc=VPC, node_cidr=aws_answers.VPC_CIDR)
    for kind in (":Vpc", ":Subnet", ":NatGateway", ":InternetGateway", ":RouteTable"):
        assert recording.of(kind) == [], kind
    assert recording["east-workers-group"].inputs["vpcId"] == VPC["id"]
    assert recording["east-workers"].inputs["vpcZoneIdentifiers"] == VPC["private_subnets"]
    mappings = recording["east-load-balancer"].inputs["subnetMappings"]
    assert [mapping["subnetId"] for mapping in mappings] == VPC["public_subnets"]


def test_a_vpc_that_has_another_range_than_configured_is_refused() -> None:
    expected = f"multimesh:meshes.east.cluster.node_cidr: '10.0.0.0/16': the VPC has {aws_answers.VPC_CIDR}"
    with pytest.raises(scope.AwsLookUpError, match=re.escape(expected)):
        record(config(vpc=VPC, node_cidr="10.0.0.0/16"))


# Security


def test_the_api_is_reached_from_the_configured_ranges_and_by_nodes_alone() -> None:
    assert rules(made(api_cidrs=["198.18.7.0/24", "198.18.8.1/32"]), 6443) == {
        "east-load-balancer-group-id": {"198.18.7.0/24", "198.18.8.1/32"},
        "east-control-plane-group-id": {
            f"east-{group}-group-id" for group in ("load-balancer", "control-plane", "workers")
        },
    }


def test_the_api_is_open_to_the_world_only_when_that_is_said() -> None:
    opened = made(api_cidrs=[EVERYWHERE], api_open_to_the_world=True)
    assert rules(opened, 6443)["east-load-balancer-group-id"] == {EVERYWHERE}


def test_nobody_reaches_port_22_and_no_node_has_a_key() -> None:
    recording = made()
    assert rules(recording, 22) == {}
    assert not [resource.name for resource in of_aws(recording) if resource.inputs.get("keyName")]


def test_the_world_reaches_the_ingress_and_nothing_else() -> None:
    recording = made(peer_cidrs=["198.18.9.0/24"])
    ports = {
        (rule.inputs["fromPort"], rule.inputs["toPort"])
        for rule in recording.of(":SecurityGroupIngressRule")
        if rule.inputs.get("cidrIpv4") == EVERYWHERE
    }
    assert ports == {(80, 80)}


def test_node_ports_are_reached_from_the_load_balancer_alone() -> None:
    for port in (30080, 31443):
        assert rules(made(), port) == {"east-workers-group-id": {"east-load-balancer-group-id"}}


def test_etcd_is_reached_by_control_plane_nodes_alone() -> None:
    for port in (2379, 2380):
        assert rules(made(), port) == {"east-control-plane-group-id": {"east-control-plane-group-id"}}


def test_two_ec2_meshes_let_each_others_nat_address_in_and_nobody_else() -> None:
    recording = recorded({"meshes": {"east": {"cluster": EC2}, "west": {"cluster": EC2}}})
    for mesh, peer in (("east", "west"), ("west", "east")):
        address = aws_answers._address(f"{peer}-nat-address", "198.51.100")
        assert rules(recording, 15443)[f"{mesh}-load-balancer-group-id"] == {f"{address}/32"}


def test_a_peer_whose_address_is_not_known_opens_the_gateway_to_everyone() -> None:
    recording = recorded({"meshes": {"east": {"cluster": EC2}, "west": {"cluster": {"kind": "local"}}}})
    assert rules(recording, 15443) == {"east-load-balancer-group-id": {EVERYWHERE}}


def test_unless_the_ranges_of_such_peers_are_given() -> None:
    given = EC2 | {"peer_cidrs": ["198.18.9.0/24"]}
    recording = recorded({"meshes": {"east": {"cluster": given}, "west": {"cluster": {"kind": "local"}}}})
    assert rules(recording, 15443) == {"east-load-balancer-group-id": {"198.18.9.0/24"}}
