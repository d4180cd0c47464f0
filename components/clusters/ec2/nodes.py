"""The nodes of an EC2 cluster: control-plane instances with fixed addresses, workers in an auto-scaling group."""

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
from components.clusters.ec2.settings import Ec2ClusterSettings, WorkerSettings
from components.clusters.kubeadm.user_data import packed

_DISK_GIBIBYTES = 50
_METADATA: Any = {
    "http_endpoint": "enabled",
    "http_tokens": "required",
    # A pod's request for the node's credentials needs one hop more, so it fails.
    "http_put_response_hop_limit": 1,
}


@dataclass(frozen=True)
class Addresses:
    """The addresses of the control-plane nodes, known before the nodes exist."""

    endpoint: str
    """The DNS name at which nodes inside the VPC reach the API."""
    interfaces: Sequence[aws.ec2.NetworkInterface]
    record: aws.route53.Record


def addresses(scope: Scope, settings: Ec2ClusterSettings, network: Network, groups: Security) -> Addresses:
    """Create an address for each control-plane node, and one DNS name for all of them.

    Nodes do not use the load balancer: it does not forward a request back to the node that sends it, and it is slow
    to mark a new node as healthy.
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
    """Create the control-plane nodes, each with its own user data.

    They keep the AMI and the user data that they were created with, because their disks hold etcd.
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
                user_data_base64=text.apply(packed),
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


def newer_image(mesh: str, used: str, newest: str, wanted: WorkerSettings) -> str:
    """Return what to say of an image that is newer than the one that workers boot from; "" if there is none."""
    if used == newest:
        return ""
    path = f"multimesh:meshes.{mesh}.cluster.workers.generation"
    return f"{path}: workers boot from {used}, Ubuntu's newest image is {newest}: {wanted.generation + 1} replaces them"


def workers(
    scope: Scope,
    settings: Ec2ClusterSettings,
    network: Network,
    groups: Security,
    identity: Identity,
    user_data: pulumi.Output[str],
    balancer: LoadBalancer,
    upgraded: pulumi.Resource,
) -> aws.autoscaling.Group:
    """Create the auto-scaling group of the workers, as targets of the gateway's ports.

    A launch template keeps the AMI and user data that it was created with. A new `generation` or version of Kubernetes
    creates a new template with the current ones, and the group then replaces its instances one by one. It waits until
    the control plane is `upgraded`: a worker may be older than the API server, not newer.
    """
    wanted = settings.workers
    image = images.look_up(scope, "workers", wanted.instance_type, settings.ami)
    disk: Any = {
        "encrypted": "true",
        "volume_type": "gp3",
        "volume_size": _DISK_GIBIBYTES,
        "delete_on_termination": "true",
    }
    generation = f"{scope.mesh}-workers-{wanted.generation}"
    options = scope.options(upgraded, ignore_changes=["userData"] if settings.ami else ["imageId", "userData"])
    # what it is called in states that were written before clusters could be upgraded
    options.aliases = [pulumi.Alias(name=generation)]
    template = aws.ec2.LaunchTemplate(
        f"{generation}-{settings.kubernetes_version}",
        name_prefix=f"{scope.mesh}-workers-",
        image_id=image.id,
        instance_type=wanted.instance_type,
        user_data=user_data.apply(packed),
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
        opts=options,
    )
    newer = pulumi.Output.all(template.image_id, image.id).apply(
        lambda known: newer_image(scope.mesh, known[0], known[1], wanted)
    )
    newer.apply(lambda note: pulumi.log.info(note) if note else None)
    return aws.autoscaling.Group(
        f"{scope.mesh}-workers",
        name_prefix=f"{scope.mesh}-workers-",
        min_size=wanted.nodes,
        max_size=wanted.nodes,
        vpc_zone_identifiers=network.private_subnets,
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        target_group_arns=[targets.arn for targets in balancer.gateway],
        # Not the load balancer's health check: it finds every worker unhealthy until the gateway runs.
        health_check_type="EC2",
        instance_refresh={
            "strategy": "Rolling",
            # AWS starts the new worker first: 110 % allows one more worker than `nodes`, up to 19 workers.
            "preferences": {"min_healthy_percentage": 100, "max_healthy_percentage": 110, "instance_warmup": "300"},
        },
        tags=[
            {"key": key, "value": value, "propagate_at_launch": True} for key, value in scope.all_tags("worker").items()
        ],
        opts=scope.options(*network.routes, *identity.ready),
    )
