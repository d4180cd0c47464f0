"""SSH, etcd, kubelets and the Kubernetes API are never open to the whole internet."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from control_planes import google_networks, of_eks
from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy
from world import world

API_PORT = 6443
GUARDED = {22: "SSH", 2379: "etcd", 2380: "etcd", API_PORT: "the Kubernetes API", 10250: "kubelets"}
_EVERY_PORT = (0, 65535)
_USERS = "List the networks of its users instead"


class Opening(NamedTuple):
    """Who may come in (CIDRs, ids of prefix lists), to what (a range of ports), and the input that says so."""

    path: str
    sources: Sequence[str]
    lowest: int
    highest: int
    lists: Sequence[str] = ()


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    openings = list(_OPENINGS.get(args.resource_type, _none)(args.props))
    for port, what in GUARDED.items():
        reaching = [opening for opening in openings if opening.lowest <= port <= opening.highest]
        if networks := world(cidr for opening in reaching for cidr in opening.sources):
            alone = [opening for opening in reaching if world(opening.sources)]
            paths = dict.fromkeys(opening.path for opening in alone or reaching if opening.sources)
            report(f"{', '.join(paths)}: must not open {what} to {', '.join(networks)}. {_USERS}", None)
        for opening in reaching:
            for name in opening.lists:
                unseen = f"the prefix list {name}, whose networks are not seen here"
                report(f"{opening.path}: must not open {what} to {unseen}. {_USERS}", None)


def _none(_: Mapping[str, Any]) -> Iterator[Opening]:
    yield from ()


def _security_group(props: Mapping[str, Any]) -> Iterator[Opening]:
    for index, rule in enumerate(props.get("ingress") or []):
        yield from _rule(f"ingress[{index}]", rule, rule.get("protocol"))


def _security_group_rule(props: Mapping[str, Any]) -> Iterator[Opening]:
    if props.get("type") == "ingress":
        path = next((key for key in ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds") if props.get(key)), "")
        yield from _rule(path, props, props.get("protocol"))


def _ingress_rule(props: Mapping[str, Any]) -> Iterator[Opening]:
    path = next((key for key in ("cidrIpv6", "prefixListId") if props.get(key)), "cidrIpv4")
    yield from _rule(path, props, props.get("ipProtocol"))


def _rule(path: str, rule: Mapping[str, Any], protocol: Any) -> Iterator[Opening]:
    one = [cidr for cidr in (rule.get("cidrIpv4"), rule.get("cidrIpv6")) if cidr]
    sources = [*one, *(rule.get("cidrBlocks") or []), *(rule.get("ipv6CidrBlocks") or [])]
    lists = [*filter(None, [rule.get("prefixListId")]), *(rule.get("prefixListIds") or [])]
    if str(protocol).lower() in ("-1", "all"):
        yield Opening(path, sources, *_EVERY_PORT, lists)
    elif str(protocol).lower() in ("tcp", "6"):
        lowest, highest = rule.get("fromPort"), rule.get("toPort")
        if lowest is None or highest is None:
            lowest, highest = _EVERY_PORT
        yield Opening(path, sources, int(lowest), int(highest), lists)


def _firewall(props: Mapping[str, Any]) -> Iterator[Opening]:
    if props.get("direction") == "EGRESS" or props.get("disabled"):
        return
    narrowed = props.get("sourceTags") or props.get("sourceServiceAccounts")
    sources = list(props.get("sourceRanges") or ([] if narrowed else ["0.0.0.0/0"]))
    for index, allowed in enumerate(props.get("allows") or []):
        if str(allowed.get("protocol")).lower() in ("tcp", "6", "all"):
            for lowest, highest in _ranges(allowed.get("ports") or []):
                yield Opening(f"allows[{index}]", sources, lowest, highest)


def _ranges(ports: Iterable[str]) -> list[tuple[int, int]]:
    """Return the ranges that Google's `22` and `20-30` stand for; no ports are all of them."""
    bounds = [str(port).partition("-") for port in ports]
    return [(int(first), int(last or first)) for first, _, last in bounds] or [_EVERY_PORT]


def _google_control_plane(props: Mapping[str, Any]) -> Iterator[Opening]:
    for path, cidrs in google_networks(props):
        yield Opening(path, cidrs, API_PORT, API_PORT)  # served on 443, which is no less the API


def _eks_control_plane(props: Mapping[str, Any]) -> Iterator[Opening]:
    for path, cidrs in of_eks(props):
        yield Opening(path, cidrs, API_PORT, API_PORT)


_OPENINGS = {
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _security_group,
    "aws:ec2/securityGroup:SecurityGroup": _security_group,
    "aws:ec2/securityGroupRule:SecurityGroupRule": _security_group_rule,
    "aws:eks/cluster:Cluster": _eks_control_plane,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ingress_rule,
    "gcp:compute/firewall:Firewall": _firewall,
    "gcp:container/cluster:Cluster": _google_control_plane,
}

RULE = ResourceValidationPolicy(
    name="no-open-administration",
    description="SSH (22), etcd (2379, 2380), the Kubernetes API (6443) and kubelets (10250) are not open to all.",
    validate=_validate,
)
