"""SSH and the Kubernetes API are never open to the whole internet."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any, NamedTuple

from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

GUARDED = {22: "SSH", 6443: "the Kubernetes API"}
_EVERY_PORT = (0, 65535)


class Opening(NamedTuple):
    """Who may come in (CIDRs), to what (a range of ports), and the input that says so."""

    path: str
    sources: list[str]
    lowest: int
    highest: int


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type not in _OPENINGS:
        return
    for path, sources, lowest, highest in _OPENINGS[args.resource_type](args.props):
        for source in filter(_is_everybody, sources):
            for port, what in GUARDED.items():
                if lowest <= port <= highest:
                    report(f"{path}: must not open {what} to {source}. List the networks of its users instead", None)


def _is_everybody(cidr: str) -> bool:
    return ip_network(cidr, strict=False).prefixlen == 0


def _security_group(props: Mapping[str, Any]) -> Iterator[Opening]:
    for index, rule in enumerate(props.get("ingress") or []):
        yield from _rule(f"ingress[{index}]", rule, rule.get("protocol"))


def _security_group_rule(props: Mapping[str, Any]) -> Iterator[Opening]:
    if props.get("type") == "ingress":
        yield from _rule("cidrBlocks", props, props.get("protocol"))


def _ingress_rule(props: Mapping[str, Any]) -> Iterator[Opening]:
    yield from _rule("cidrIpv6" if props.get("cidrIpv6") else "cidrIpv4", props, props.get("ipProtocol"))


def _rule(path: str, rule: Mapping[str, Any], protocol: Any) -> Iterator[Opening]:
    one = [cidr for cidr in (rule.get("cidrIpv4"), rule.get("cidrIpv6")) if cidr]
    sources = [*one, *(rule.get("cidrBlocks") or []), *(rule.get("ipv6CidrBlocks") or [])]
    if str(protocol).lower() in ("-1", "all"):
        yield Opening(path, sources, *_EVERY_PORT)
    elif str(protocol).lower() in ("tcp", "6"):
        yield Opening(path, sources, int(rule["fromPort"]), int(rule["toPort"]))


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
    if (props.get("privateClusterConfig") or {}).get("enablePrivateEndpoint"):
        return
    networks = props.get("masterAuthorizedNetworksConfig")
    cidrs = [block["cidrBlock"] for block in networks.get("cidrBlocks") or []] if networks else ["0.0.0.0/0"]
    yield Opening("masterAuthorizedNetworksConfig", cidrs, 6443, 6443)  # served on 443, which is no less the API


_OPENINGS = {
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _security_group,
    "aws:ec2/securityGroup:SecurityGroup": _security_group,
    "aws:ec2/securityGroupRule:SecurityGroupRule": _security_group_rule,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ingress_rule,
    "gcp:compute/firewall:Firewall": _firewall,
    "gcp:container/cluster:Cluster": _google_control_plane,
}

RULE = ResourceValidationPolicy(
    name="no-open-administration",
    description="SSH (22) and the Kubernetes API (6443) are not open to 0.0.0.0/0 or ::/0.",
    validate=_validate,
)
