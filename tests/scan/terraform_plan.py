"""Cloud resources as they were recorded under mocks, in the shape of a Terraform plan, which scanners read.

Pulumi's AWS and Google Cloud providers are made from Terraform's: types and inputs are the same but for their names.
The shape: https://developer.hashicorp.com/terraform/internals/json-format
"""

import re
from typing import Any

from recording import Recorded, Recording

TYPES = {
    "aws:autoscaling/group:Group": "aws_autoscaling_group",
    "aws:ec2/eip:Eip": "aws_eip",
    "aws:ec2/instance:Instance": "aws_instance",
    "aws:ec2/internetGateway:InternetGateway": "aws_internet_gateway",
    "aws:ec2/launchTemplate:LaunchTemplate": "aws_launch_template",
    "aws:ec2/natGateway:NatGateway": "aws_nat_gateway",
    "aws:ec2/networkInterface:NetworkInterface": "aws_network_interface",
    "aws:ec2/route:Route": "aws_route",
    "aws:ec2/routeTable:RouteTable": "aws_route_table",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "aws_route_table_association",
    "aws:ec2/securityGroup:SecurityGroup": "aws_security_group",
    "aws:ec2/subnet:Subnet": "aws_subnet",
    "aws:ec2/vpc:Vpc": "aws_vpc",
    "aws:iam/instanceProfile:InstanceProfile": "aws_iam_instance_profile",
    "aws:iam/role:Role": "aws_iam_role",
    "aws:iam/rolePolicy:RolePolicy": "aws_iam_role_policy",
    "aws:kms/key:Key": "aws_kms_key",
    "aws:lb/listener:Listener": "aws_lb_listener",
    "aws:lb/loadBalancer:LoadBalancer": "aws_lb",
    "aws:lb/targetGroup:TargetGroup": "aws_lb_target_group",
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": "aws_lb_target_group_attachment",
    "aws:route53/record:Record": "aws_route53_record",
    "aws:route53/zone:Zone": "aws_route53_zone",
    "aws:ssm/parameter:Parameter": "aws_ssm_parameter",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "aws_vpc_security_group_egress_rule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "aws_vpc_security_group_ingress_rule",
    "gcp:compute/address:Address": "google_compute_address",
    "gcp:compute/firewall:Firewall": "google_compute_firewall",
    "gcp:compute/network:Network": "google_compute_network",
    "gcp:compute/router:Router": "google_compute_router",
    "gcp:compute/routerNat:RouterNat": "google_compute_router_nat",
    "gcp:compute/subnetwork:Subnetwork": "google_compute_subnetwork",
    "gcp:container/cluster:Cluster": "google_container_cluster",
    "gcp:container/nodePool:NodePool": "google_container_node_pool",
    "gcp:projects/iAMMember:IAMMember": "google_project_iam_member",
    "gcp:projects/service:Service": "google_project_service",
    "gcp:serviceaccount/account:Account": "google_service_account",
}
# Pulumi gives lists a plural.
_SINGULAR = {
    "allows": "allow",
    "default_actions": "default_action",
    "denies": "deny",
    "secondary_ip_ranges": "secondary_ip_range",
    "source_ip_ranges_to_nats": "source_ip_ranges_to_nat",
    "subnet_mappings": "subnet_mapping",
    "subnetworks": "subnetwork",
    "vpc_zone_identifiers": "vpc_zone_identifier",
    "vpcs": "vpc",
}
# Mappings that Terraform has as such; every other one is a block, which is a list of one.
_MAPPINGS = {"labels", "metadata", "resource_labels", "tags"}


def of(recording: Recording) -> dict[str, Any]:
    """Return the plan that creates the recorded resources of AWS and Google Cloud; KeyError for an unknown type."""
    made = {each.urn: each for each in recording.resources.values() if each.type.startswith(("aws:", "gcp:"))}
    addresses = {urn: _address(each) for urn, each in made.items()}
    values = [(each, _values(each.inputs)) for each in made.values()]
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {
            "root_module": {"resources": [_named(each) | {"values": inputs} for each, inputs in values]}
        },
        "resource_changes": [
            _named(each) | {"change": {"actions": ["create"], "before": None, "after": inputs, "after_unknown": {}}}
            for each, inputs in values
        ],
        "configuration": {
            "root_module": {
                "resources": [_named(each) | {"expressions": _references(each, addresses)} for each in made.values()]
            }
        },
    }


def _named(each: Recorded) -> dict[str, Any]:
    return {"address": _address(each), "mode": "managed", "type": TYPES[each.type], "name": each.name}


def _address(each: Recorded) -> str:
    return f"{TYPES[each.type]}.{each.name}"


def _values(inputs: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in inputs.items():
        name = _snake(key)
        if isinstance(value, dict):
            found[name] = value if name in _MAPPINGS else [_values(value)]
        elif isinstance(value, list):
            inner = [_values(each) if isinstance(each, dict) else each for each in value]
            # An auto-scaling group's tags are blocks.
            found["tag" if name == "tags" else _SINGULAR.get(name, name)] = inner
        else:
            found[name] = value
    return found


def _references(each: Recorded, addresses: dict[str, str]) -> dict[str, Any]:
    return {
        _SINGULAR.get(_snake(key), _snake(key)): {
            "references": [f for urn in urns if urn in addresses for f in (f"{addresses[urn]}.id", addresses[urn])]
        }
        for key, urns in each.property_dependencies.items()
        if urns & addresses.keys()
    }


def _snake(name: str) -> str:
    return re.sub("([A-Z])", lambda capital: f"_{capital[0].lower()}", name)
