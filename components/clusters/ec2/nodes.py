"""The nodes of an EC2 cluster: control-plane instances with fixed addresses, workers that come back by themselves."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.clusters.ec2 import images, security
from components.clusters.ec2.identity import Identity
from components.clusters.ec2.load_balancer import LoadBalancer
from components.clusters.ec2.network import UNIQUE_NAMES, Network
from components.clusters.ec2.scope import Scope
from components.clusters.ec2.security import Security
from components.clusters.ec2.settings import Ec2ClusterSettings

_DISK_GIBIBYTES = 50
_METADATA: Any = {
    "http_endpoint": "enabled",
    "http_tokens": "required",
    # A pod's request for the node's credentials is one hop further.
    "http_put_response_hop_limit": 1,
}


@dataclass(frozen=True)
class Addresses:
    """Where the control-plane nodes will be: known before they are."""

    endpoint: str
    """The name at which nodes reach the API, inside the VPC."""
    interfaces: Sequence[aws.ec2.NetworkInterface]
    record: aws.route53.Record


def addresses(scope: Scope, settings: Ec2ClusterSettings, network: Network, groups: Security) -> Addresses:
    """Make an address for each control-plane node, and a name for all of them.

    Nodes do not use the load balancer: it does not forward to the node that asks, and is slow to find a new
    one healthy.
    """
    interfaces = [
        aws.ec2.NetworkInterface(
            f"{scope.mesh}-control-plane-{i}-interface",
            subnet_id=network.private_subnets[i % len(network.private_subnets)],
            security_groups=[groups[security.CONTROL_PLANE]],
            tags=scope.named(f"control-plane-{i}"),
            opts=scope.options(),
        )
        for i in range(settings.control_plane.nodes)
    ]
    zone = aws.route53.Zone(
        f"{scope.mesh}-zone",
        name=f"{scope.mesh}.multimesh.internal",
        vpcs=[{"vpc_id": network.vpc_id}],
        tags=scope.named("zone"),
        opts=scope.options(),
    )
    endpoint = f"api.{scope.mesh}.multimesh.internal"
    record = aws.route53.Record(
        f"{scope.mesh}-api-record",
        zone_id=zone.zone_id,
        name=endpoint,
        type="A",
        ttl=30,
        records=[interface.private_ip for interface in interfaces],
        opts=scope.options(),
    )
    return Addresses(endpoint, interfaces, record)


def control_plane(
    scope: Scope,
    settings: Ec2ClusterSettings,
    network: Network,
    at: Addresses,
    identity: Identity,
    user_data: Sequence[pulumi.Output[str]],
    balancer: LoadBalancer,
) -> list[aws.ec2.Instance]:
    """Make the control-plane nodes, each with its own user data.

    They keep the image and the user data that they were made with: their disks hold etcd.
    """
    wanted = settings.control_plane
    image = images.look_up(scope, "control_plane", wanted.instance_type, settings.ami)
    made = []
    for i, (interface, text) in enumerate(zip(at.interfaces, user_data, strict=True)):
        suffix = f"control-plane-{i}"
        made.append(
            aws.ec2.Instance(
                f"{scope.mesh}-{suffix}",
                ami=image.id,
                instance_type=wanted.instance_type,
                user_data=text,
                iam_instance_profile=identity.profile.name,
                # network
                primary_network_interface={"network_interface_id": interface.id},
                metadata_options=_METADATA,
                # storage
                root_block_device={
                    "encrypted": True,
                    "volume_type": "gp3",
                    "volume_size": _DISK_GIBIBYTES,
                    "tags": scope.all_tags(suffix),
                },
                tags=scope.named(suffix),
                opts=scope.options(
                    *network.routes, *identity.ready, at.record, ignore_changes=["ami", "userData", "userDataBase64"]
                ),
            )
        )
        aws.lb.TargetGroupAttachment(
            f"{scope.mesh}-{suffix}-target",
            target_group_arn=balancer.api.arn,
            target_id=interface.private_ip,
            opts=scope.options(),
        )
    return made


def workers(
    scope: Scope,
    settings: Ec2ClusterSettings,
    network: Network,
    groups: Security,
    identity: Identity,
    user_data: pulumi.Output[str],
    balancer: LoadBalancer,
) -> aws.autoscaling.Group:
    """Make the group that keeps the wanted number of workers alive, behind the gateway's ports.

    A launch template keeps what it was made with; another `generation` is another template, with today's image and user
    data, and the group then replaces its instances one by one.
    """
    wanted = settings.workers
    image = images.look_up(scope, "workers", wanted.instance_type, settings.ami)
    disk: Any = {
        "encrypted": "true",
        "volume_type": "gp3",
        "volume_size": _DISK_GIBIBYTES,
        "delete_on_termination": "true",
    }
    template = aws.ec2.LaunchTemplate(
        f"{scope.mesh}-workers-{wanted.generation}",
        name_prefix=f"{scope.mesh}-workers-",
        image_id=image.id,
        instance_type=wanted.instance_type,
        user_data=user_data.apply(lambda text: base64.b64encode(text.encode()).decode()),
        iam_instance_profile={"arn": identity.profile.arn},
        # network
        vpc_security_group_ids=[groups[security.WORKERS]],
        metadata_options=_METADATA,
        private_dns_name_options={"hostname_type": UNIQUE_NAMES},
        # storage
        block_device_mappings=[{"device_name": image.root_device, "ebs": disk}],
        # tags
        tag_specifications=[
            {"resource_type": kind, "tags": scope.all_tags("worker")}
            for kind in ("instance", "volume", "network-interface")
        ],
        tags=scope.named("workers"),
        opts=scope.options(ignore_changes=["userData"] if settings.ami else ["imageId", "userData"]),
    )
    return aws.autoscaling.Group(
        f"{scope.mesh}-workers",
        name_prefix=f"{scope.mesh}-workers-",
        min_size=wanted.nodes,
        max_size=wanted.nodes,
        vpc_zone_identifiers=network.private_subnets,
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        target_group_arns=[targets.arn for targets in balancer.gateway],
        # Not the load balancer's opinion: before there is a gateway, every worker is unhealthy to it.
        health_check_type="EC2",
        instance_refresh={
            "strategy": "Rolling",
            # The next one first: more than a tenth above the wanted number is one, up to 19 workers.
            "preferences": {"min_healthy_percentage": 100, "max_healthy_percentage": 110, "instance_warmup": "300"},
        },
        tags=[
            {"key": key, "value": value, "propagate_at_launch": True} for key, value in scope.all_tags("worker").items()
        ],
        opts=scope.options(*network.routes, *identity.ready),
    )
