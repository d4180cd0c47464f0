"""The security groups of the load balancer, the control plane and the workers."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.clusters.cluster import HTTPS_NODE_PORT, INGRESS_NODE_PORT, PEER_NODE_PORT
from components.clusters.ec2.network import Network
from components.clusters.ec2.scope import Scope
from components.clusters.kubeadm.flannel import VXLAN_PORT
from components.istio import HTTPS_PORT, INGRESS_PORT, PEER_PORT

API_PORT = 6443
_KUBELET_PORT = 10250
_ETCD_PORTS = (2379, 2380)
_EVERYWHERE = "0.0.0.0/0"

LOAD_BALANCER, CONTROL_PLANE, WORKERS = "load-balancer", "control-plane", "workers"


@dataclass(frozen=True)
class Rule:
    """An ingress rule between two groups: `source` may connect to `target` on `ports`, from the first to the last."""

    source: str
    target: str
    what: str
    ports: tuple[int, int]
    protocol: str = "tcp"


RULES = (
    *(Rule(source, CONTROL_PLANE, "api", (API_PORT, API_PORT)) for source in (LOAD_BALANCER, CONTROL_PLANE, WORKERS)),
    Rule(CONTROL_PLANE, CONTROL_PLANE, "etcd", _ETCD_PORTS),
    *(Rule(CONTROL_PLANE, target, "kubelet", (_KUBELET_PORT, _KUBELET_PORT)) for target in (CONTROL_PLANE, WORKERS)),
    *(
        Rule(source, target, "pods", (VXLAN_PORT, VXLAN_PORT), "udp")
        for source in (CONTROL_PLANE, WORKERS)
        for target in (CONTROL_PLANE, WORKERS)
    ),
    Rule(LOAD_BALANCER, WORKERS, "ingress", (INGRESS_NODE_PORT, INGRESS_NODE_PORT)),
    Rule(LOAD_BALANCER, WORKERS, "peers", (PEER_NODE_PORT, PEER_NODE_PORT)),
)
"""The traffic inside the cluster. Port 22 is closed: Session Manager needs only connections that the node opens."""
HTTPS_RULE = Rule(LOAD_BALANCER, WORKERS, "https", (HTTPS_NODE_PORT, HTTPS_NODE_PORT))
"""The further traffic of an ingress with HTTPS."""


@dataclass(frozen=True)
class Security:
    """The groups by name, and their rules."""

    groups: dict[str, aws.ec2.SecurityGroup]
    rules: list[pulumi.Resource]

    def __getitem__(self, group: str) -> pulumi.Output[str]:
        return self.groups[group].id


def make(scope: Scope, network: Network, api_cidrs: Sequence[str], *, https: bool) -> Security:
    """Create the groups and their rules; `admit` creates those for peers, once all peers are known."""
    groups = {suffix: _group(scope, network, suffix) for suffix in (LOAD_BALANCER, CONTROL_PLANE, WORKERS)}
    rules: list[pulumi.Resource] = []
    # Inside
    for rule in (*RULES, *([HTTPS_RULE] if https else [])):
        first, last = rule.ports
        name = f"{rule.source}-to-{rule.target}-{rule.what}"
        rules.append(
            aws.vpc.SecurityGroupIngressRule(
                f"{scope.mesh}-{name}",
                security_group_id=groups[rule.target].id,
                referenced_security_group_id=groups[rule.source].id,
                ip_protocol=rule.protocol,
                from_port=first,
                to_port=last,
                description=name,
                tags=scope.named(name),
                opts=scope.options(),
            )
        )
    # From outside
    rules += [_let_in(scope, groups[LOAD_BALANCER], "api", API_PORT, cidr, cidr) for cidr in api_cidrs]
    rules.append(_let_in(scope, groups[LOAD_BALANCER], "ingress", INGRESS_PORT, "world", _EVERYWHERE))
    if https:
        rules.append(_let_in(scope, groups[LOAD_BALANCER], "https", HTTPS_PORT, "world", _EVERYWHERE))
    # To outside: packages, images, AWS, the peers' gateways
    for suffix, group in groups.items():
        rules.append(
            aws.vpc.SecurityGroupEgressRule(
                f"{scope.mesh}-{suffix}-out",
                security_group_id=group.id,
                ip_protocol="-1",
                cidr_ipv4=_EVERYWHERE,
                description=f"{suffix}-out",
                tags=scope.named(f"{suffix}-out"),
                opts=scope.options(),
            )
        )
    return Security(groups, rules)


def admit(scope: Scope, security: Security, peers: Sequence[pulumi.Input[str]] | None, more: Sequence[str]) -> None:
    """Allow the peers' addresses and the ranges `more` to reach the gateway; if both are missing, allow everyone.

    A client still needs a certificate under the federation's root CA.
    """
    group = security.groups[LOAD_BALANCER]
    if peers is None and not more:
        _let_in(scope, group, "peers", PEER_PORT, "world", _EVERYWHERE)
    for position, address in enumerate(peers or ()):
        _let_in(scope, group, "peers", PEER_PORT, str(position), pulumi.Output.concat(address, "/32"))
    for cidr in more:
        _let_in(scope, group, "peers", PEER_PORT, cidr, cidr)


def _group(scope: Scope, network: Network, suffix: str) -> aws.ec2.SecurityGroup:
    return aws.ec2.SecurityGroup(
        f"{scope.mesh}-{suffix}-group",
        description=f"{scope.mesh} {suffix}",
        vpc_id=network.vpc_id,
        tags=scope.named(suffix),
        opts=scope.options(),
    )


def _let_in(
    scope: Scope, group: aws.ec2.SecurityGroup, what: str, port: int, source: str, cidr: pulumi.Input[str]
) -> aws.vpc.SecurityGroupIngressRule:
    return aws.vpc.SecurityGroupIngressRule(
        f"{scope.mesh}-{source}-to-{what}",
        security_group_id=group.id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        cidr_ipv4=cidr,
        description=f"{source}-to-{what}",
        tags=scope.named(f"{source}-to-{what}"),
        opts=scope.options(),
    )
