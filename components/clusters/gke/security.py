"""Security of a GKE cluster: the nodes' service account, and the firewall rules for the nodes."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from components.clusters.gke.names import account_id
from components.clusters.gke.network import Network
from components.clusters.gke.scope import Scope
from components.clusters.gke.settings import GkeClusterSettings
from components.istio import PEER_PORT
from components.schema.networks import EVERYWHERE

WEBHOOK_PORT = 15017
"""The port of istiod's webhooks; by default, GKE's control plane reaches only ports 443 and 10250 of private nodes."""
STATUS_PORT = 15021
ISTIOD_PORTS = (15012, WEBHOOK_PORT)
"""The ports at which the gateway of a control plane for several clusters takes the others' proxies and webhooks."""


@dataclass(frozen=True)
class Security:
    """The nodes' service account, and the resources that must exist before the nodes."""

    account_email: pulumi.Output[str]
    network_id: pulumi.Output[str]
    ready: Sequence[pulumi.Resource]
    """The account's role, and the firewall rule for the webhooks: they must exist before the nodes."""


def make(scope: Scope, settings: GkeClusterSettings, network: Network, apis: Sequence[pulumi.Resource]) -> Security:
    """Create the nodes' service account with its role, and the rule that lets GKE's control plane reach istiod."""
    project, stack = pulumi.get_project(), pulumi.get_stack()
    account = gcp.serviceaccount.Account(
        f"{scope.mesh}-nodes-account",
        account_id=account_id(project, stack, scope.mesh),
        display_name=f"Nodes of mesh {scope.mesh}, stack {stack}",
        # Keep the account if the stack is renamed or the mesh moves to another: a new account would replace the nodes.
        opts=scope.options(*apis, ignore_changes=["accountId"]),
    )
    role = gcp.projects.IAMMember(
        f"{scope.mesh}-nodes-role",
        project=settings.project_id,
        # Logs and metrics, nothing else: the least that GKE requires.
        role="roles/container.defaultNodeServiceAccount",
        member=account.member,
        opts=scope.options(*apis),
    )
    ready: list[pulumi.Resource] = [role]
    security = Security(account.email, network.id, ready)
    if settings.private_nodes:
        sources = [settings.control_plane_cidr]
        ready.append(_firewall(scope, security, "webhook", "GKE's control plane to istiod", sources, WEBHOOK_PORT))
    return security


def admit(
    scope: Scope, settings: GkeClusterSettings, security: Security, peers: Sequence[pulumi.Output[str]] | None
) -> None:
    """Close the ports of the gateway's Service, which GKE opens to everyone, except the ingress port.

    These addresses and `peer_cidrs` reach them. Without both, the ports for peers stay open, and only the gateway's
    status is closed.
    """
    known = peers is not None or bool(settings.peer_cidrs)
    ports = [STATUS_PORT, *((PEER_PORT, *ISTIOD_PORTS) if known else ())]
    # GKE opens every port of a load balancer with a rule of priority 1000; a lower number takes precedence.
    # The cluster's own ranges must stay allowed: a node forwards a connection to the node with the gateway's pod, and
    # the control plane calls istiod's webhooks.
    own = [settings.node_cidr, settings.pod_cidr, *([settings.control_plane_cidr] if settings.private_nodes else [])]
    addresses = [pulumi.Output.format("{}/32", peer) for peer in peers or []]
    allowed = [*own, *settings.peer_cidrs, *addresses]
    _firewall(scope, security, "peers", "peers to the gateway", allowed, *ports, priority=800)
    strangers = "nobody else to the gateway's ports, except the one for requests from outside"
    _firewall(scope, security, "strangers", strangers, [EVERYWHERE], *ports, priority=900)


def _firewall(
    scope: Scope,
    security: Security,
    suffix: str,
    purpose: str,
    sources: Sequence[pulumi.Input[str]],
    *numbers: int,
    priority: int = 1000,
) -> gcp.compute.Firewall:
    """Create a rule for TCP ports of the nodes. It is a deny rule if its only source is 0.0.0.0/0."""
    ports = [str(number) for number in numbers]
    denies = list(sources) == [EVERYWHERE]
    return gcp.compute.Firewall(
        f"{scope.mesh}-{suffix}",
        description=f"Mesh {scope.mesh}: {purpose}",
        network=security.network_id,
        direction="INGRESS",
        priority=priority,
        source_ranges=sources,
        target_service_accounts=[security.account_email],
        allows=None if denies else [{"protocol": "tcp", "ports": ports}],
        denies=[{"protocol": "tcp", "ports": ports}] if denies else None,
        opts=scope.options(),
    )
