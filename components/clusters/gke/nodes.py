"""The control plane and the nodes of a GKE cluster."""

import pulumi_gcp as gcp

from components.clusters.gke.network import Network
from components.clusters.gke.scope import Scope
from components.clusters.gke.security import Security
from components.clusters.gke.settings import GkeClusterSettings


def control_plane(
    scope: Scope, settings: GkeClusterSettings, network: Network, security: Security
) -> gcp.container.Cluster:
    """Create the control plane, without nodes."""
    return gcp.container.Cluster(
        f"{scope.mesh}-cluster",
        location=settings.location,
        resource_labels=scope.labels,
        deletion_protection=settings.deletion_protection,
        release_channel={"channel": settings.release_channel},
        # network
        network=network.id,
        subnetwork=network.subnetwork_id,
        networking_mode="VPC_NATIVE",
        ip_allocation_policy={
            "cluster_secondary_range_name": "pods",
            "services_secondary_range_name": "services",
        },
        private_cluster_config={
            "enable_private_nodes": True,
            "enable_private_endpoint": settings.private_endpoint,
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
        # Dataplane V2 enforces NetworkPolicy.
        datapath_provider="ADVANCED_DATAPATH" if settings.dataplane_v2 else "LEGACY_DATAPATH",
        database_encryption={"state": "ENCRYPTED", "key_name": settings.secrets_key} if settings.secrets_key else None,
        binary_authorization={
            "evaluation_mode": "PROJECT_SINGLETON_POLICY_ENFORCE" if settings.binary_authorization else "DISABLED"
        },
        workload_identity_config={"workload_pool": f"{settings.project_id}.svc.id.goog"},
        # nodes: GKE creates every cluster with a default pool; `pool` replaces it, and can change without the cluster
        remove_default_node_pool=True,
        initial_node_count=1,
        node_config=_node(scope, settings, security),
        # After creation, `nodeConfig` describes the nodes of the other pool, which this resource does not manage.
        # Another data plane would replace a cluster that was created before there was the setting.
        opts=scope.options(ignore_changes=["nodeConfig", "datapathProvider"]),
    )


def pool(
    scope: Scope, settings: GkeClusterSettings, network: Network, security: Security, cluster: gcp.container.Cluster
) -> gcp.container.NodePool:
    """Create the node pool; `settings.nodes` is the number of nodes in each zone."""
    return gcp.container.NodePool(
        f"{scope.mesh}-nodes",
        cluster=cluster.id,
        node_count=settings.nodes,
        management={"auto_repair": True, "auto_upgrade": True},
        upgrade_settings={"max_surge": 1, "max_unavailable": 0},
        node_config=_node(scope, settings, security),
        network_config={"enable_private_nodes": settings.private_nodes},
        opts=scope.options(*network.routes, *security.ready),
    )


def _node(scope: Scope, settings: GkeClusterSettings, security: Security) -> gcp.container.NodePoolNodeConfigArgsDict:
    return {
        "machine_type": settings.machine_type,
        "image_type": "COS_CONTAINERD",
        "disk_type": "pd-balanced",
        "disk_size_gb": 50,
        "resource_labels": scope.labels,
        "service_account": security.account_email,
        # The account's roles limit what the nodes may do.
        "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
        "workload_metadata_config": {"mode": "GKE_METADATA"},
        "metadata": {"disable-legacy-endpoints": "true"},
        "gcfs_config": {"enabled": settings.image_streaming},
    }
