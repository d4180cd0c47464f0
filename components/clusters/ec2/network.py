"""The network of an EC2 cluster: a new VPC, or an existing one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.clusters.ec2.scope import Scope
from components.clusters.ec2.settings import Ec2ClusterSettings, VpcSettings
from components.clusters.ec2.subnets import subnets

UNIQUE_NAMES = "resource-name"
"""How AWS names nodes. With names from IP addresses, a new node could get the name of a dead one with its address."""
_EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class Network:
    """The subnets of the nodes (private) and of the load balancer (public)."""

    vpc_id: pulumi.Input[str]
    private_subnets: Sequence[pulumi.Input[str]]
    public_subnets: Sequence[pulumi.Input[str]]
    egress_addresses: Sequence[pulumi.Output[str]] | None
    """The source addresses of its pods' requests, as others see them; None for an existing VPC."""
    routes: Sequence[pulumi.Resource] = field(default=())
    """The resources that a node needs to reach the internet."""


def make(scope: Scope, settings: Ec2ClusterSettings) -> Network:
    """Create the cluster's VPC, or check the existing one."""
    return _existing(scope, settings, settings.vpc) if settings.vpc else _own(scope, settings)


def _existing(scope: Scope, settings: Ec2ClusterSettings, vpc: VpcSettings) -> Network:
    found = scope.look_up("aws:ec2/getVpc:getVpc", {"id": vpc.id}, ("vpc", "id"), vpc.id)

    def checked(cidr: str) -> str:
        if cidr != settings.node_cidr:
            raise scope.fault(("node_cidr",), settings.node_cidr, f"the VPC has {cidr}")
        return vpc.id

    vpc_id = found.apply(lambda vpc: checked(vpc["cidrBlock"]))
    return Network(vpc_id, vpc.private_subnets, vpc.public_subnets, None)


def _own(scope: Scope, settings: Ec2ClusterSettings) -> Network:
    name = scope.mesh
    # VPC and gateway
    vpc = aws.ec2.Vpc(
        f"{name}-vpc",
        cidr_block=settings.node_cidr,
        # The nodes resolve the API's name in a private hosted zone.
        enable_dns_support=True,
        enable_dns_hostnames=True,
        tags=scope.named("vpc"),
        opts=scope.options(),
    )
    gateway = aws.ec2.InternetGateway(
        f"{name}-internet", vpc_id=vpc.id, tags=scope.named("internet"), opts=scope.options()
    )

    # Subnets, a private and a public one in each availability zone
    zones = _zones(scope, settings.availability_zones)
    private_cidrs, public_cidrs = subnets(settings.node_cidr, settings.availability_zones)
    private = [_subnet(scope, vpc, zones, f"private-{i}", i, cidr) for i, cidr in enumerate(private_cidrs)]
    public = [_subnet(scope, vpc, zones, f"public-{i}", i, cidr) for i, cidr in enumerate(public_cidrs)]

    # Routes to the internet: public subnets through the internet gateway, private ones through a NAT gateway
    straight = _route_table(scope, vpc, "public")
    to_internet = aws.ec2.Route(
        f"{name}-public-route",
        route_table_id=straight.id,
        destination_cidr_block=_EVERYWHERE,
        gateway_id=gateway.id,
        opts=scope.options(),
    )
    joined = [_join(scope, straight, f"public-{i}", subnet) for i, subnet in enumerate(public)]
    address = aws.ec2.Eip(f"{name}-nat-address", domain="vpc", tags=scope.named("nat"), opts=scope.options(gateway))
    nat = aws.ec2.NatGateway(
        f"{name}-nat",
        allocation_id=address.allocation_id,
        subnet_id=public[0].id,
        tags=scope.named("nat"),
        opts=scope.options(to_internet, joined[0]),
    )
    translated = _route_table(scope, vpc, "private")
    by_nat = aws.ec2.Route(
        f"{name}-private-route",
        route_table_id=translated.id,
        destination_cidr_block=_EVERYWHERE,
        nat_gateway_id=nat.id,
        opts=scope.options(),
    )
    joined += [_join(scope, translated, f"private-{i}", subnet) for i, subnet in enumerate(private)]
    return Network(
        vpc.id,
        [subnet.id for subnet in private],
        [subnet.id for subnet in public],
        [address.public_ip],
        [to_internet, by_nat, *joined],
    )


def _zones(scope: Scope, wanted: int) -> pulumi.Output[list[str]]:
    def enough(found: list[str]) -> list[str]:
        if len(found) < wanted:
            raise scope.fault(("availability_zones",), wanted, f"{scope.region} has {len(found)}: {', '.join(found)}")
        return found

    # Local Zones and Wavelength Zones, which need an opt-in, have no network load balancers.
    ordinary = {"state": "available", "filters": [{"name": "opt-in-status", "values": ["opt-in-not-required"]}]}
    answer = scope.look_up("aws:index/getAvailabilityZones:getAvailabilityZones", ordinary, ("region",), scope.region)
    return answer.apply(lambda zones: enough(sorted(zones["names"])))


def _subnet(
    scope: Scope, vpc: aws.ec2.Vpc, zones: pulumi.Output[list[str]], suffix: str, zone: int, cidr: str
) -> aws.ec2.Subnet:
    return aws.ec2.Subnet(
        f"{scope.mesh}-{suffix}",
        vpc_id=vpc.id,
        cidr_block=cidr,
        availability_zone=zones.apply(lambda names: names[zone]),
        private_dns_hostname_type_on_launch=UNIQUE_NAMES,
        tags=scope.named(suffix),
        # If AWS adds a zone to the region, no subnet may move.
        opts=scope.options(ignore_changes=["availabilityZone"]),
    )


def _route_table(scope: Scope, vpc: aws.ec2.Vpc, suffix: str) -> aws.ec2.RouteTable:
    return aws.ec2.RouteTable(
        f"{scope.mesh}-{suffix}-routes", vpc_id=vpc.id, tags=scope.named(suffix), opts=scope.options()
    )


def _join(
    scope: Scope, table: aws.ec2.RouteTable, suffix: str, subnet: aws.ec2.Subnet
) -> aws.ec2.RouteTableAssociation:
    return aws.ec2.RouteTableAssociation(
        f"{scope.mesh}-{suffix}-routes", route_table_id=table.id, subnet_id=subnet.id, opts=scope.options()
    )
