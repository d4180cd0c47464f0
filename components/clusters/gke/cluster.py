"""A cluster on Google Kubernetes Engine, in a network of its own.

Standard, not Autopilot: there, nodes come and go as pods ask for them, so that two nodes cannot be asked for, pods have
least sizes that every sidecar adds to, and NET_ADMIN, which Istio's init containers need, is refused unless allowed.
"""

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from components.clusters.cluster import Cluster, Exposure, Platform
from components.clusters.gke.kubeconfig import kubeconfig
from components.clusters.gke.names import account_id, labels
from components.clusters.gke.settings import GkeClusterSettings
from components.clusters.immutable import ImmutableSettings
from components.istio import PEER_PORT
from components.schema.networks import EVERYWHERE

APIS = (
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "iam.googleapis.com",
)
WEBHOOK_PORT = 15017
"""Where istiod's webhooks listen; by itself, GKE lets its control plane reach only 443 and 10250 of private nodes."""


class GkeCluster(Cluster):
    """A network with its way out, a Standard cluster with one node pool, and the gateway's address."""

    def __init__(self, name: str, settings: GkeClusterSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("multimesh:index:GkeCluster", name, settings.model_dump(), opts)
        self._name, self._settings = name, settings
        self._labels = labels(pulumi.get_project(), pulumi.get_stack(), name)
        kept = ImmutableSettings(f"{name}-settings", name, settings.immutable, pulumi.ResourceOptions(parent=self))
        self._google = gcp.Provider(
            f"{name}-google",
            project=settings.project_id,
            region=settings.region,
            default_labels=self._labels,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[kept]),
        )

        # The APIs that all of this needs, enabled and left enabled: others in the project may use them
        enabled = [
            gcp.projects.Service(
                f"{name}-{api.partition('.')[0]}", service=api, disable_on_destroy=False, opts=self._options()
            )
            for api in APIS
        ]
        after_apis = self._options(enabled)

        # Network, with ranges for pods and Services
        self._network = gcp.compute.Network(
            f"{name}-network", auto_create_subnetworks=False, routing_mode="REGIONAL", opts=after_apis
        )
        subnetwork = gcp.compute.Subnetwork(
            f"{name}-subnetwork",
            network=self._network.id,
            region=settings.region,
            ip_cidr_range=settings.node_cidr,
            secondary_ip_ranges=[
                {"range_name": "pods", "ip_cidr_range": settings.pod_cidr},
                {"range_name": "services", "ip_cidr_range": settings.service_cidr},
            ],
            private_ip_google_access=True,
            opts=self._options(),
        )
        before_nodes = [self._way_out(subnetwork, after_apis)] if settings.private_nodes else []

        # Security: what the nodes are to Google, and what reaches them
        account = gcp.serviceaccount.Account(
            f"{name}-nodes-account",
            account_id=account_id(pulumi.get_project(), pulumi.get_stack(), name),
            display_name=f"Nodes of mesh {name}, stack {pulumi.get_stack()}",
            # In a stack that is renamed, or in another one, it stays the same: nodes are replaced with their account.
            opts=pulumi.ResourceOptions.merge(after_apis, pulumi.ResourceOptions(ignore_changes=["accountId"])),
        )
        self._nodes_email = account.email
        role = gcp.projects.IAMMember(
            f"{name}-nodes-role",
            project=settings.project_id,
            # Logs, metrics and nothing else: what GKE asks for at least.
            role="roles/container.defaultNodeServiceAccount",
            member=account.member,
            opts=after_apis,
        )
        before_nodes.append(role)
        if settings.private_nodes:
            control_plane = [settings.control_plane_cidr]
            before_nodes.append(self._firewall("webhook", "GKE's control plane to istiod", control_plane, WEBHOOK_PORT))

        # Control plane and nodes
        cluster = self._control_plane(subnetwork, account)
        nodes = gcp.container.NodePool(
            f"{name}-nodes",
            cluster=cluster.id,
            node_count=settings.nodes,
            management={"auto_repair": True, "auto_upgrade": True},
            upgrade_settings={"max_surge": 1, "max_unavailable": 0},
            node_config=self._node(account),
            network_config={"enable_private_nodes": settings.private_nodes},
            opts=self._options(before_nodes),
        )

        # Load balancer: an address that is there before GKE balances load to it
        address = self._address("gateway-address", after_apis)

        # Outputs
        self.lifetime = cluster
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.all(cluster.name, cluster.endpoint, cluster.master_auth.cluster_ca_certificate).apply(
                lambda known: kubeconfig(*known)
            )
        )
        self.provider = kubernetes.Provider(
            f"{name}-kubernetes",
            kubeconfig=self.kubeconfig,
            cluster_identifier=cluster.id,
            enable_secret_mutable=True,
            enable_config_map_mutable=True,
            # What is in the cluster needs nodes; the gateway's Service, with its load balancer, goes before them.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[nodes]),
        )
        # Every version of GKE takes a reserved address by `loadBalancerIP`, only newer ones by an annotation,
        # https://cloud.google.com/kubernetes-engine/docs/concepts/service-load-balancer-parameters
        self.exposure = Exposure("LoadBalancer", address.address, service_values={"loadBalancerIP": address.address})
        self.platform = Platform()
        self.register_outputs({"kubeconfig": self.kubeconfig, "gateway_address": address.address})

    def admit(self, peers: Sequence[pulumi.Output[str]] | None) -> None:
        """Let these addresses alone reach the peer port, which GKE opens to everyone; with None, leave it open."""
        settings = self._settings
        if peers is None and not settings.peer_cidrs:
            return
        # GKE opens every port of a load balancer by a rule of priority 1000; what is lower counts before it.
        # The nodes' own: they pass a connection on to the one where the gateway's pod runs.
        known = [pulumi.Output.format("{}/32", peer) for peer in peers or []]
        allowed = [settings.node_cidr, settings.pod_cidr, *settings.peer_cidrs, *known]
        self._firewall("peers", "peers to the gateway", allowed, PEER_PORT, priority=800)
        self._firewall("strangers", "nobody else to the gateway's peer port", [EVERYWHERE], PEER_PORT, priority=900)

    def _way_out(self, subnetwork: gcp.compute.Subnetwork, after_apis: pulumi.ResourceOptions) -> pulumi.Resource:
        """Make the private nodes' way to the internet, by an address that peers can be told."""
        address = self._address("egress-address", after_apis)
        self.egress_addresses = [address.address]
        router = gcp.compute.Router(f"{self._name}-router", network=self._network.id, opts=self._options())
        return gcp.compute.RouterNat(
            f"{self._name}-nat",
            router=router.name,
            nat_ip_allocate_option="MANUAL_ONLY",
            nat_ips=[address.self_link],
            source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
            subnetworks=[{"name": subnetwork.id, "source_ip_ranges_to_nats": ["ALL_IP_RANGES"]}],
            # All requests to a peer go to one address and port: 64 of them at once, the default, are soon used up.
            enable_dynamic_port_allocation=True,
            enable_endpoint_independent_mapping=False,
            min_ports_per_vm=1024,
            max_ports_per_vm=16384,
            log_config={"enable": True, "filter": "ERRORS_ONLY"},
            opts=self._options(),
        )

    def _control_plane(
        self, subnetwork: gcp.compute.Subnetwork, account: gcp.serviceaccount.Account
    ) -> gcp.container.Cluster:
        settings = self._settings
        return gcp.container.Cluster(
            f"{self._name}-cluster",
            location=settings.location,
            resource_labels=self._labels,
            deletion_protection=settings.deletion_protection,
            release_channel={"channel": settings.release_channel},
            # network
            network=self._network.id,
            subnetwork=subnetwork.id,
            networking_mode="VPC_NATIVE",
            ip_allocation_policy={
                "cluster_secondary_range_name": "pods",
                "services_secondary_range_name": "services",
            },
            private_cluster_config={
                "enable_private_nodes": True,
                "enable_private_endpoint": False,
                "master_ipv4_cidr_block": settings.control_plane_cidr,
            }
            if settings.private_nodes
            else None,
            # security
            master_authorized_networks_config={
                "cidr_blocks": [{"cidr_block": cidr} for cidr in settings.api_cidrs],
                "gcp_public_cidrs_access_enabled": False,
            },
            enable_shielded_nodes=True,
            enable_legacy_abac=False,
            workload_identity_config={"workload_pool": f"{settings.project_id}.svc.id.goog"},
            # nodes: the pool that every cluster begins with is replaced by one that can change by itself
            remove_default_node_pool=True,
            initial_node_count=1,
            node_config=self._node(account),
            opts=pulumi.ResourceOptions.merge(
                self._options(),
                # After that it describes nodes of the other pool, which are none of this resource's business.
                pulumi.ResourceOptions(ignore_changes=["nodeConfig"]),
            ),
        )

    def _node(self, account: gcp.serviceaccount.Account) -> gcp.container.NodePoolNodeConfigArgsDict:
        return {
            "machine_type": self._settings.machine_type,
            "image_type": "COS_CONTAINERD",
            "disk_type": "pd-balanced",
            "disk_size_gb": 50,
            "resource_labels": self._labels,
            "service_account": account.email,
            "oauth_scopes": [
                "https://www.googleapis.com/auth/cloud-platform"
            ],  # the account's roles are what limits it
            "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
            "workload_metadata_config": {"mode": "GKE_METADATA"},
            "metadata": {"disable-legacy-endpoints": "true"},
        }

    def _firewall(
        self, suffix: str, purpose: str, sources: Sequence[pulumi.Input[str]], port: int, priority: int = 1000
    ) -> gcp.compute.Firewall:
        """Make a rule for one TCP port of the nodes: one that denies if its only source is everywhere."""
        ports = [str(port)]
        denies = list(sources) == [EVERYWHERE]
        return gcp.compute.Firewall(
            f"{self._name}-{suffix}",
            description=f"Mesh {self._name}: {purpose}",
            network=self._network.id,
            direction="INGRESS",
            priority=priority,
            source_ranges=sources,
            target_service_accounts=[self._nodes_email],
            allows=None if denies else [{"protocol": "tcp", "ports": ports}],
            denies=[{"protocol": "tcp", "ports": ports}] if denies else None,
            opts=self._options(),
        )

    def _address(self, suffix: str, opts: pulumi.ResourceOptions) -> gcp.compute.Address:
        return gcp.compute.Address(
            f"{self._name}-{suffix}",
            address_type="EXTERNAL",
            region=self._settings.region,
            labels=self._labels,
            opts=opts,
        )

    def _options(self, depends_on: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=self._google, depends_on=list(depends_on))
