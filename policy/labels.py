"""Every cloud resource names its project, stack and mesh, in tags on AWS and labels on Google Cloud."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

WANTED = {"project", "stack", "mesh"}

WITHOUT = {
    "aws:autoscaling/attachment:Attachment",
    "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation",
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ec2/securityGroupRule:SecurityGroupRule",
    "aws:ec2/volumeAttachment:VolumeAttachment",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:lb/targetGroupAttachment:TargetGroupAttachment",
    "aws:route53/record:Record",
    "gcp:compute/firewall:Firewall",
    "gcp:compute/network:Network",
    "gcp:compute/route:Route",
    "gcp:compute/router:Router",
    "gcp:compute/routerNat:RouterNat",
    "gcp:compute/subnetwork:Subnetwork",
    "gcp:projects/iAMMember:IAMMember",
    "gcp:projects/service:Service",
    "gcp:serviceaccount/account:Account",
    "gcp:serviceaccount/iAMMember:IAMMember",
}
"""The types that can carry neither tags nor labels."""


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if not args.resource_type.startswith(("aws:", "gcp:")) or args.resource_type in WITHOUT:
        return
    for path, carried in _CARRIED.get(args.resource_type, _anywhere)(args):
        if missing := WANTED - {name for name, value in carried.items() if value}:
            report(f"{path}: must have {', '.join(sorted(WANTED))}; missing: {', '.join(sorted(missing))}", None)


Carried = Iterator[tuple[str, Mapping[str, Any]]]


def _anywhere(args: ResourceValidationArgs) -> Carried:
    key, default = ("tags", "defaultTags") if args.resource_type.startswith("aws:") else ("labels", "defaultLabels")
    yield key, {**_provider(args, default), **(args.props.get(key) or {})}


def _provider(args: ResourceValidationArgs, key: str) -> Mapping[str, Any]:
    """Return what the provider adds to every resource; nested inputs of a provider are JSON."""
    given = args.provider.props.get(key) if args.provider else None
    defaults = json.loads(given) if isinstance(given, str) else given or {}
    return defaults.get("tags", {}) if key == "defaultTags" else defaults


def _auto_scaling_group(args: ResourceValidationArgs) -> Carried:
    tags = args.props.get("tags") or []
    yield "tags", {tag["key"]: tag["value"] for tag in tags if tag.get("propagateAtLaunch")}


def _launch_template(args: ResourceValidationArgs) -> Carried:
    yield from _anywhere(args)
    specifications = {one["resourceType"]: one for one in args.props.get("tagSpecifications") or []}
    for kind in ("instance", "volume"):
        yield f"tagSpecifications ({kind})", specifications.get(kind, {}).get("tags") or {}


def _google_cluster(args: ResourceValidationArgs) -> Carried:
    yield "resourceLabels", {**_provider(args, "defaultLabels"), **(args.props.get("resourceLabels") or {})}


def _google_node_pool(args: ResourceValidationArgs) -> Carried:
    yield "nodeConfig.resourceLabels", (args.props.get("nodeConfig") or {}).get("resourceLabels") or {}


_CARRIED = {
    "aws:autoscaling/group:Group": _auto_scaling_group,
    "aws:ec2/launchTemplate:LaunchTemplate": _launch_template,
    "gcp:container/cluster:Cluster": _google_cluster,
    "gcp:container/nodePool:NodePool": _google_node_pool,
}

RULE = ResourceValidationPolicy(
    name="labelled",
    description="Every resource that can have tags or labels names its project, stack and mesh.",
    validate=_validate,
)
