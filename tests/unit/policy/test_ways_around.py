"""Ways around the rules of the policy pack: each is refused, and what looks like it is not."""

import json
from typing import Any

import pytest
from policy_pack import violations
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

TAGS = {"project": "multimesh", "stack": "dev", "mesh": "ec2"}
GROUP, RULE = "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
FIREWALL, GKE, EKS = (
    "gcp:compute/firewall:Firewall",
    "gcp:container/cluster:Cluster",
    "aws:eks/cluster:Cluster",
)
SPOT, FLEET = "aws:ec2/spotInstanceRequest:SpotInstanceRequest", "aws:ec2/spotFleetRequest:SpotFleetRequest"
CONFIGURATION = "aws:ec2/launchConfiguration:LaunchConfiguration"
OPEN = "no-open-administration"
HALVES = ["0.0.0.0/1", "128.0.0.0/1"]


def rule(port: int, **given: Any) -> dict[str, Any]:
    return {"protocol": "tcp", "fromPort": port, "toPort": port, **given}


def group(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"tags": TAGS, "ingress": list(rules)}


def gke(**given: Any) -> dict[str, Any]:
    networks = {"cidrBlocks": [{"cidrBlock": "192.0.2.0/24"}]}
    return {"resourceLabels": TAGS, "masterAuthorizedNetworksConfig": networks, **given}


def eks(**network: Any) -> dict[str, Any]:
    return {"tags": TAGS, "vpcConfig": network}


def iam(**statement: Any) -> dict[str, Any]:
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"} | statement
    document = {"Statement": [{key: value for key, value in allowed.items() if value}]}
    return {"policy": json.dumps(document), "tags": TAGS}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    # The world in parts, and ports of the control plane
    (GROUP, group(rule(22, cidrBlocks=HALVES)), f"{OPEN}: ingress[0]: must not open SSH to 0.0.0.0/0"),
    (
        GROUP,
        group(rule(22, cidrBlocks=["0.0.0.0/8"]), rule(22, cidrBlocks=["2.0.0.0/8"])),
        f"{OPEN}: ingress[0], ingress[1]: must not open SSH to 0.0.0.0/8, 2.0.0.0/8",
    ),
    (
        RULE,
        {"type": "ingress", **rule(22, cidrBlocks=["8.0.0.0/7"])},
        f"{OPEN}: cidrBlocks: must not open SSH to 8.0.0.0/7",
    ),
    (
        RULE,
        {"type": "ingress", **rule(22, ipv6CidrBlocks=["::/1", "8000::/1"])},
        f"{OPEN}: ipv6CidrBlocks: must not open SSH to ::/0",
    ),
    (
        INGRESS,
        {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv6": "2000::/3", "tags": TAGS},
        f"{OPEN}: cidrIpv6: must not open SSH to 2000::/3",
    ),
    (
        FIREWALL,
        {"allows": [{"protocol": "tcp", "ports": ["22"]}], "sourceRanges": HALVES},
        f"{OPEN}: allows[0]: must not open SSH to 0.0.0.0/0",
    ),
    (
        GKE,
        gke(masterAuthorizedNetworksConfig={"cidrBlocks": [{"cidrBlock": half} for half in HALVES]}),
        f"{OPEN}: masterAuthorizedNetworksConfig: must not open the Kubernetes API to 0.0.0.0/0",
    ),
    (
        GROUP,
        group(rule(22, prefixListIds=["pl-1"])),
        f"{OPEN}: ingress[0]: must not open SSH to the prefix list pl-1, whose networks are not seen here",
    ),
    (
        INGRESS,
        {"ipProtocol": "-1", "prefixListId": "pl-1", "tags": TAGS},
        f"{OPEN}: prefixListId: must not open kubelets to the prefix list pl-1",
    ),
    (GROUP, group(rule(2379, cidrBlocks=["0.0.0.0/0"])), f"{OPEN}: ingress[0]: must not open etcd to 0.0.0.0/0"),
    (GROUP, group(rule(10250, cidrBlocks=["0.0.0.0/0"])), f"{OPEN}: ingress[0]: must not open kubelets to 0.0.0.0/0"),
    (
        GROUP,
        group({"protocol": "tcp", "cidrBlocks": ["0.0.0.0/0"]}),
        f"{OPEN}: ingress[0]: must not open SSH to 0.0.0.0/0",
    ),
    (
        INGRESS,
        {"ipProtocol": "tcp", "cidrIpv4": "0.0.0.0/0", "tags": TAGS},
        f"{OPEN}: cidrIpv4: must not open SSH to 0.0.0.0/0",
    ),
    # Managed control planes
    (EKS, eks(), f"{OPEN}: vpcConfig.publicAccessCidrs: must not open the Kubernetes API to 0.0.0.0/0"),
    (
        EKS,
        eks(publicAccessCidrs=HALVES),
        f"{OPEN}: vpcConfig.publicAccessCidrs: must not open the Kubernetes API to 0.0.0.0/0",
    ),
    (
        GKE,
        gke(controlPlaneEndpointsConfig={"dnsEndpointConfig": {"allowExternalTraffic": True}}),
        "guarded-control-plane: controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic: must be false",
    ),
    (GKE, gke(enableLegacyAbac=True), "guarded-control-plane: enableLegacyAbac: must be false, is True"),
    (
        GKE,
        gke(masterAuth={"clientCertificateConfig": {"issueClientCertificate": True}}),
        "guarded-control-plane: masterAuth.clientCertificateConfig.issueClientCertificate: must be false, is True",
    ),
    (
        GKE,
        gke(masterAuthorizedNetworksConfig={"cidrBlocks": [], "gcpPublicCidrsAccessEnabled": True}),
        "guarded-control-plane: masterAuthorizedNetworksConfig.gcpPublicCidrsAccessEnabled: must be false, is True",
    ),
    # Instances of other kinds
    (SPOT, {"tags": TAGS}, "imdsv2-required: metadataOptions.httpTokens: must be required, is not set"),
    (SPOT, {"tags": TAGS}, "encrypted-volumes: rootBlockDevice.encrypted: must be true, is not set"),
    (
        CONFIGURATION,
        {"ebsBlockDevices": [{}]},
        "encrypted-volumes: ebsBlockDevices[0].encrypted: must be true, is not set",
    ),
    (
        CONFIGURATION,
        {"rootBlockDevice": {"encrypted": True}},
        "imdsv2-required: metadataOptions.httpTokens: must be required",
    ),
    (
        FLEET,
        {"launchSpecifications": [{}], "tags": TAGS},
        "imdsv2-required: launchSpecifications[0]: must be a launch template",
    ),
    (
        FLEET,
        {"launchSpecifications": [{}], "tags": TAGS},
        "encrypted-volumes: launchSpecifications[0].rootBlockDevices[0].encrypted: must be true",
    ),
    # Identities of the clouds
    (
        "aws:iam/rolePolicy:RolePolicy",
        iam(),
        "limited-identities: policy: must not allow everything on everything, as Statement[0] does",
    ),
    (
        "aws:iam/policy:Policy",
        iam(Action=["s3:Get", "*"], Resource=["*"]),
        "limited-identities: policy: must not allow everything",
    ),
    (
        "aws:iam/userPolicy:UserPolicy",
        iam(Action=None, NotAction="iam:*"),
        "limited-identities: policy: must not allow everything",
    ),
    (
        "aws:iam/role:Role",
        {"inlinePolicies": [iam()], "tags": TAGS},
        "limited-identities: inlinePolicies[0].policy: must not allow everything",
    ),
    (
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        "limited-identities: policyArn: must not be arn:aws:iam::aws:policy/AdministratorAccess",
    ),
    ("gcp:projects/iAMMember:IAMMember", {"role": "roles/owner"}, "limited-identities: role: must not be roles/owner"),
]

TAKEN: list[tuple[str, dict[str, Any]]] = [
    (GROUP, group(rule(22, cidrBlocks=["10.0.0.0/8", "192.168.0.0/16"], ipv6CidrBlocks=["fc00::/7", "2001:db8::/32"]))),
    (GROUP, group(rule(443, prefixListIds=["pl-1"]))),
    (EKS, eks(publicAccessCidrs=["192.0.2.0/24"])),
    (EKS, eks(endpointPublicAccess=False)),
    (GKE, {"resourceLabels": TAGS, "controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enabled": False}}}),
    (GKE, gke(enableLegacyAbac=False, masterAuth={"clientCertificateConfig": {"issueClientCertificate": False}})),
    ("aws:iam/policy:Policy", iam(Action="kms:*")),
    ("aws:iam/policy:Policy", iam(Effect="Deny")),
    ("aws:iam/policy:Policy", {"policy": UNKNOWN_STRING_VALUE, "tags": TAGS}),
]


@pytest.mark.parametrize(("type", "inputs", "message"), REFUSED, ids=[message[:90] for _, _, message in REFUSED])
def test_a_way_around_a_rule_of_a_cloud_is_refused(type: str, inputs: dict, message: str) -> None:
    said = violations(type, inputs)
    assert any(one.startswith(message) for one in said), said


@pytest.mark.parametrize(("type", "inputs"), TAKEN, ids=[f"{type} {number}" for number, (type, _) in enumerate(TAKEN)])
def test_what_looks_like_a_way_around_is_let_through(type: str, inputs: dict) -> None:
    assert violations(type, inputs) == []
