"""The network load balancer of an EC2 cluster: clients, peers and the user reach the cluster at its addresses."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.clusters.cluster import HTTPS_NODE_PORT, INGRESS_NODE_PORT, PEER_NODE_PORT
from components.clusters.ec2.network import Network
from components.clusters.ec2.scope import Scope
from components.clusters.ec2.security import API_PORT, LOAD_BALANCER, Security
from components.istio import HTTPS_PORT, INGRESS_PORT, PEER_PORT


@dataclass(frozen=True)
class LoadBalancer:
    """The cluster's public addresses, and the target groups that forward into it."""

    address: pulumi.Output[str]
    """The elastic IP; if there are several, the DNS name that resolves to those that answer."""
    names: Sequence[pulumi.Output[str]]
    """Its DNS name and its elastic IPs."""
    api: aws.lb.TargetGroup
    gateway: Sequence[aws.lb.TargetGroup]
    """The target groups of the workers: ingress, peers, and HTTPS if the ingress has it."""
    ways_in: Sequence[pulumi.Resource]
    """The resources that must exist while anything calls the API."""


def make(scope: Scope, network: Network, security: Security, *, https: bool) -> LoadBalancer:
    """Create the load balancer with an elastic IP in each public subnet; `nodes` attaches the targets."""
    addresses = [
        aws.ec2.Eip(f"{scope.mesh}-address-{i}", domain="vpc", tags=scope.named(f"address-{i}"), opts=scope.options())
        for i in range(len(network.public_subnets))
    ]
    balancer = aws.lb.LoadBalancer(
        f"{scope.mesh}-load-balancer",
        name_prefix=_prefix(scope),
        load_balancer_type="network",
        internal=False,
        subnet_mappings=[
            {"subnet_id": subnet, "allocation_id": address.allocation_id}
            for subnet, address in zip(network.public_subnets, addresses, strict=True)
        ],
        security_groups=[security[LOAD_BALANCER]],
        # An address must answer even if its own zone has no worker.
        enable_cross_zone_load_balancing=True,
        tags=scope.named("load-balancer"),
        opts=scope.options(*network.routes),
    )
    api, listener = _listen(scope, network, balancer, "api", API_PORT, API_PORT, "ip")
    ingress, _ = _listen(scope, network, balancer, "ingress", INGRESS_PORT, INGRESS_NODE_PORT, "instance")
    peers, _ = _listen(scope, network, balancer, "peers", PEER_PORT, PEER_NODE_PORT, "instance")
    secure = [_listen(scope, network, balancer, "https", HTTPS_PORT, HTTPS_NODE_PORT, "instance")[0]] if https else []
    public = [address.public_ip for address in addresses]
    return LoadBalancer(
        address=public[0] if len(public) == 1 else balancer.dns_name,
        names=[balancer.dns_name, *public],
        api=api,
        gateway=[ingress, peers, *secure],
        ways_in=[listener, *security.rules],
    )


def _listen(
    scope: Scope,
    network: Network,
    balancer: aws.lb.LoadBalancer,
    what: str,
    port: int,
    target_port: int,
    target_type: str,
) -> tuple[aws.lb.TargetGroup, aws.lb.Listener]:
    targets = aws.lb.TargetGroup(
        f"{scope.mesh}-{what}-targets",
        name_prefix=_prefix(scope),
        port=target_port,
        protocol="TCP",
        target_type=target_type,
        vpc_id=network.vpc_id,
        # Otherwise, a node that calls its own gateway would get answers from its own address, and drop them.
        preserve_client_ip="false",
        health_check={"protocol": "TCP", "interval": 10, "healthy_threshold": 2, "unhealthy_threshold": 2},
        deregistration_delay=30,
        tags=scope.named(what),
        opts=scope.options(),
    )
    listener = aws.lb.Listener(
        f"{scope.mesh}-{what}-listener",
        load_balancer_arn=balancer.arn,
        port=port,
        protocol="TCP",
        default_actions=[{"type": "forward", "target_group_arn": targets.arn}],
        tags=scope.named(what),
        opts=scope.options(),
    )
    return targets, listener


def _prefix(scope: Scope) -> str:
    """Return the name prefix: AWS allows 6 characters and appends a suffix; tags have the full name."""
    return f"{scope.mesh[:5].rstrip('-')}-"
