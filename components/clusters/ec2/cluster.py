"""A Kubernetes cluster on EC2 instances, created with kubeadm."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.clusters.api_ready import ApiReady
from components.clusters.cluster import (
    HTTPS_NODE_PORT,
    INGRESS_NODE_PORT,
    PEER_NODE_PORT,
    Cluster,
    ClusterArgs,
    Exposure,
    Platform,
)
from components.clusters.ec2 import identity, load_balancer, network, nodes, secrets_key, security, upgrade
from components.clusters.ec2.scope import Scope, tags
from components.clusters.ec2.settings import Ec2ClusterSettings
from components.clusters.immutable import ImmutableSettings
from components.clusters.kubeadm import flannel, user_data
from components.clusters.kubeadm.configuration import KubeadmCluster
from components.clusters.kubeadm.pki import KubernetesPki
from components.istio import INGRESS_PORT, PEER_PORT


class Ec2Cluster(Cluster):
    """Control-plane nodes and workers in private subnets, behind a network load balancer with elastic IPs."""

    def __init__(
        self, name: str, args: ClusterArgs[Ec2ClusterSettings], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        settings, https = args["settings"], args.get("https", False)
        super().__init__("multimesh:index:Ec2Cluster", name, settings.model_dump(), opts)
        own = pulumi.ResourceOptions(parent=self)
        members = {"control_plane.nodes": settings.control_plane.nodes}
        kept = ImmutableSettings(
            f"{name}-settings", name, settings.immutable, own, members, settings.kubernetes_version
        )
        provider = aws.Provider(
            f"{name}-aws",
            region=settings.region,
            profile=settings.profile,
            default_tags={"tags": tags(name)},
            opts=pulumi.ResourceOptions.merge(own, pulumi.ResourceOptions(depends_on=[kept])),
        )
        self._scope = scope = Scope(name, settings.region, self, provider)
        self._peer_cidrs = settings.peer_cidrs

        # Network
        vpc = network.make(scope, settings)
        self.egress_addresses = vpc.egress_addresses

        # Security
        self._groups = groups = security.make(scope, vpc, settings.api_cidrs, https=https)
        keys = KubernetesPki(f"{name}-kubernetes", {"cluster": name}, own)
        roles = {role: identity.node_role(scope, role) for role in (identity.CONTROL_PLANE, identity.WORKER)}
        key = secrets_key.make(scope, roles)
        control_plane, worker = (
            identity.make(scope, role, roles[role], key, files)
            for role, files in (
                (identity.CONTROL_PLANE, keys.control_plane_files),
                (identity.WORKER, keys.worker_files),
            )
        )

        # Load balancer, before the nodes: the API server's certificate contains its name and addresses
        balancer = load_balancer.make(scope, vpc, groups, https=https)
        self.exposure = Exposure(
            "NodePort",
            balancer.address,
            PEER_PORT,
            INGRESS_PORT,
            PEER_NODE_PORT,
            INGRESS_NODE_PORT,
            https_node_port=HTTPS_NODE_PORT,
        )

        # Nodes
        addresses = nodes.addresses(scope, settings, vpc, groups)
        cluster = pulumi.Output.all(roles[identity.WORKER].arn, *balancer.names).apply(
            lambda known: KubeadmCluster(
                name=name,
                endpoint=addresses.endpoint,
                pod_cidr=settings.pod_cidr,
                service_cidr=settings.service_cidr,
                api_names=known[1:],
                worker_role=known[0],
                kubernetes_version=settings.kubernetes_version,
            )
        )
        first, others = (
            pulumi.Output.all(cluster, control_plane.parameters).apply(
                lambda known, first=first: user_data.control_plane(known[0], known[1], control_plane.files, first=first)
            )
            for first in (True, False)
        )
        texts = [first, *[others] * (settings.control_plane.nodes - 1)]
        machines = nodes.control_plane(scope, settings, vpc, addresses, control_plane, texts, balancer)
        self.kubeconfig = keys.kubeconfig(pulumi.Output.format("https://{0}:{1}", balancer.address, security.API_PORT))
        upgraded = upgrade.make(scope, settings, control_plane, key, self.kubeconfig)
        text = pulumi.Output.all(cluster, worker.parameters).apply(
            lambda known: user_data.worker(known[0], known[1], worker.files)
        )
        nodes.workers(scope, settings, vpc, groups, worker, text, balancer, upgraded)

        # Outputs
        ready = ApiReady(
            f"{name}-ready",
            name,
            self.kubeconfig,
            [machine.id for machine in machines],
            machines[0].id.apply(lambda machine: _look_at(settings, machine)),
            pulumi.ResourceOptions(parent=self, depends_on=balancer.ways_in),
        )
        self.lifetime = machines[0]
        self.provider = self.kubernetes_provider(name, machines[0].id, depends_on=[ready])
        self.ready = [flannel.make(self, name, settings.pod_cidr)]
        self.platform = Platform()
        self.register_outputs({"kubeconfig": self.kubeconfig, "address": balancer.address})

    def admit(self, peers: Sequence[pulumi.Output[str]] | None) -> None:
        """Add rules to the security groups; see Cluster.admit."""
        security.admit(self._scope, self._groups, peers, self._peer_cidrs)


def _look_at(settings: Ec2ClusterSettings, machine: str) -> str:
    """Return what the user must check if the API does not answer."""
    profile = f" --profile {settings.profile}" if settings.profile else ""
    where = f"--region {settings.region}{profile}"
    return (
        f"Check that your own address is in api_cidrs ({', '.join(settings.api_cidrs)}). If it is, look on the node: "
        f"aws ssm start-session {where} --target {machine}, there: sudo journalctl -u multimesh-node. "
        f"If no session opens: aws ec2 get-console-output {where} --latest --output text --instance-id {machine}"
    )
