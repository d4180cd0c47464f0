"""Each rule of the policy pack: what breaks it with which message, and what does not."""

import ast
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from policy_pack import RULES, violations
from pulumi_policy import Secret

from policy import labels

TAGS = {"project": "multimesh", "stack": "dev", "mesh": "ec2"}
GROUP, RULE = "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
FIREWALL, GKE, POOL = (
    "gcp:compute/firewall:Firewall",
    "gcp:container/cluster:Cluster",
    "gcp:container/nodePool:NodePool",
)
INSTANCE, TEMPLATE = "aws:ec2/instance:Instance", "aws:ec2/launchTemplate:LaunchTemplate"
SCALING = "aws:autoscaling/group:Group"
GATEWAY = "kubernetes:networking.istio.io/v1:Gateway"
KEY = "-----BEGIN EC PRIVATE KEY-----\nMHc=\n-----END EC PRIVATE KEY-----\n"
KUBECONFIG = "apiVersion: v1\nclusters: []\nkind: Config\n"
USERS = "List the networks of its users instead"
MISSING = "must have mesh, project, stack; missing: mesh, project, stack"
IN_THE_CLEAR = "must be a secret, is in the clear. Wrap it in pulumi.Output.secret"


def group(source: str, lowest: int, highest: int, protocol: str = "tcp", key: str = "cidrBlocks") -> dict[str, Any]:
    return {
        "tags": TAGS,
        "ingress": [{"protocol": protocol, "fromPort": lowest, "toPort": highest, key: ["192.0.2.0/24", source]}],
    }


def google(**given: Any) -> dict[str, Any]:
    return {"allows": [{"protocol": "tcp", "ports": ["22"]}], "sourceRanges": ["0.0.0.0/0"], **given}


def gke(**given: Any) -> dict[str, Any]:
    return {"resourceLabels": TAGS, **given}


def networks(*cidrs: str) -> dict[str, Any]:
    return {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": cidr} for cidr in cidrs]}}


IMDS = {"httpTokens": "required", "httpPutResponseHopLimit": 1}
DEVICE = {"deviceName": "/dev/sda1", "ebs": {"encrypted": "true"}}
INHERITED = [{"resourceType": "instance", "tags": TAGS}, {"resourceType": "volume", "tags": TAGS}]


def template(**given: Any) -> dict[str, Any]:
    whole = {"metadataOptions": IMDS, "blockDeviceMappings": [DEVICE], "tagSpecifications": INHERITED, "tags": TAGS}
    return whole | given


def instance(**given: Any) -> dict[str, Any]:
    return {"metadataOptions": IMDS, "rootBlockDevice": {"encrypted": True}, "tags": TAGS} | given


def gateway(*hosts: str, port: int = 15443, mode: str = "AUTO_PASSTHROUGH") -> dict[str, Any]:
    return {"spec": {"servers": [{"port": {"number": port}, "tls": {"mode": mode}, "hosts": list(hosts)}]}}


OPEN, METADATA, PEERS = "no-open-administration", "imdsv2-required", "exact-peer-hosts"

BROKEN = [
    # SSH and the Kubernetes API
    (GROUP, group("0.0.0.0/0", 22, 22), f"{OPEN}: ingress[0]: must not open SSH to 0.0.0.0/0. {USERS}"),
    (
        GROUP,
        group("::/0", 6443, 6443, key="ipv6CidrBlocks"),
        f"{OPEN}: ingress[0]: must not open the Kubernetes API to ::/0. {USERS}",
    ),
    (GROUP, group("0.0.0.0/0", 20, 30), f"{OPEN}: ingress[0]: must not open SSH to 0.0.0.0/0. {USERS}"),
    (
        GROUP,
        group("0.0.0.0/0", 0, 0, "-1"),
        f"{OPEN}: ingress[0]: must not open the Kubernetes API to 0.0.0.0/0. {USERS}",
    ),
    (
        RULE,
        {"type": "ingress", "protocol": "tcp", "fromPort": 6443, "toPort": 6443, "cidrBlocks": ["0.0.0.0/0"]},
        f"{OPEN}: cidrBlocks: must not open the Kubernetes API to 0.0.0.0/0. {USERS}",
    ),
    (
        INGRESS,
        {"ipProtocol": "tcp", "fromPort": 6443, "toPort": 6443, "cidrIpv4": "0.0.0.0/0", "tags": TAGS},
        f"{OPEN}: cidrIpv4: must not open the Kubernetes API to 0.0.0.0/0. {USERS}",
    ),
    (
        INGRESS,
        {"ipProtocol": "-1", "cidrIpv6": "::/0", "tags": TAGS},
        f"{OPEN}: cidrIpv6: must not open SSH to ::/0. {USERS}",
    ),
    (FIREWALL, google(), f"{OPEN}: allows[0]: must not open SSH to 0.0.0.0/0. {USERS}"),
    (FIREWALL, google(sourceRanges=[]), f"{OPEN}: allows[0]: must not open SSH to 0.0.0.0/0. {USERS}"),
    (
        FIREWALL,
        google(allows=[{"protocol": "tcp", "ports": ["80", "6000-7000"]}]),
        f"{OPEN}: allows[0]: must not open the Kubernetes API to 0.0.0.0/0. {USERS}",
    ),
    (FIREWALL, google(allows=[{"protocol": "all"}]), f"{OPEN}: allows[0]: must not open SSH to 0.0.0.0/0. {USERS}"),
    (GKE, gke(), f"{OPEN}: masterAuthorizedNetworksConfig: must not open the Kubernetes API to 0.0.0.0/0. {USERS}"),
    (
        GKE,
        gke(**networks("192.0.2.0/24", "0.0.0.0/0")),
        f"{OPEN}: masterAuthorizedNetworksConfig: must not open the Kubernetes API to 0.0.0.0/0. {USERS}",
    ),
    # Volumes
    ("aws:ebs/volume:Volume", {"tags": TAGS}, "encrypted-volumes: encrypted: must be true, is not set"),
    (
        INSTANCE,
        instance(rootBlockDevice={"encrypted": False}),
        "encrypted-volumes: rootBlockDevice.encrypted: must be true, is False",
    ),
    (
        INSTANCE,
        instance(rootBlockDevice=None),
        "encrypted-volumes: rootBlockDevice.encrypted: must be true, is not set",
    ),
    (
        INSTANCE,
        instance(ebsBlockDevices=[{"encrypted": True}, {}]),
        "encrypted-volumes: ebsBlockDevices[1].encrypted: must be true, is not set",
    ),
    (
        TEMPLATE,
        template(blockDeviceMappings=[DEVICE, {"ebs": {"encrypted": "false"}}]),
        "encrypted-volumes: blockDeviceMappings[1].ebs.encrypted: must be true, is false",
    ),
    (
        TEMPLATE,
        template(blockDeviceMappings=[]),
        "encrypted-volumes: blockDeviceMappings[0].ebs.encrypted: must be true, is not set",
    ),
    # Instance metadata
    (
        INSTANCE,
        instance(metadataOptions=IMDS | {"httpTokens": "optional"}),
        f"{METADATA}: metadataOptions.httpTokens: must be required, is optional",
    ),
    (
        TEMPLATE,
        template(metadataOptions=None),
        f"{METADATA}: metadataOptions.httpTokens: must be required, is not set",
    ),
    (
        TEMPLATE,
        template(metadataOptions=IMDS | {"httpPutResponseHopLimit": 2}),
        f"{METADATA}: metadataOptions.httpPutResponseHopLimit: must be 1, is 2",
    ),
    # Gateways for peers
    (GATEWAY, gateway("*"), f"{PEERS}: spec.servers[0].hosts: must list the exported hosts one by one, has '*'"),
    (
        GATEWAY,
        gateway("echo.demo.svc.cluster.local", "*.demo.svc.cluster.local"),
        f"{PEERS}: spec.servers[0].hosts: must list the exported hosts one by one, has '*.demo.svc.cluster.local'",
    ),
    (
        GATEWAY.replace("v1:", "v1beta1:"),
        gateway("demo/*", mode="MUTUAL"),
        f"{PEERS}: spec.servers[0].hosts: must list the exported hosts one by one, has 'demo/*'",
    ),
    (
        GATEWAY,
        gateway("*", port=443),
        f"{PEERS}: spec.servers[0].hosts: must list the exported hosts one by one, has '*'",
    ),
    # Keys and kubeconfigs
    ("tls:index/certRequest:CertRequest", {"privateKeyPem": KEY}, f"confidential-keys: privateKeyPem: {IN_THE_CLEAR}"),
    ("pulumi:providers:kubernetes", {"kubeconfig": "~/config"}, f"confidential-keys: kubeconfig: {IN_THE_CLEAR}"),
    ("any:index:Thing", {"text": KUBECONFIG}, f"confidential-keys: text: {IN_THE_CLEAR}"),
    ("any:index:Thing", {"text": '{"kind": "Config", "users": []}'}, f"confidential-keys: text: {IN_THE_CLEAR}"),
    ("any:index:Thing", {"files": [Secret(KEY), f"key: {KEY}"]}, f"confidential-keys: files[1]: {IN_THE_CLEAR}"),
    (
        "kubernetes:core/v1:Secret",
        {"stringData": {"ca-key.pem": "bGl0dGxl", "ca-cert.pem": "public"}},
        f"confidential-keys: stringData.ca-key.pem: {IN_THE_CLEAR}",
    ),
    (
        "aws:ssm/parameter:Parameter",
        {"type": "SecureString", "value": "token", "tags": TAGS},
        f"confidential-keys: value: {IN_THE_CLEAR}",
    ),
    # Tags and labels
    ("aws:ec2/vpc:Vpc", {}, f"labelled: tags: {MISSING}"),
    (
        "aws:ec2/vpc:Vpc",
        {"tags": TAGS | {"mesh": ""}},
        "labelled: tags: must have mesh, project, stack; missing: mesh",
    ),
    (TEMPLATE, template(tagSpecifications=INHERITED[:1]), f"labelled: tagSpecifications (volume): {MISSING}"),
    (
        SCALING,
        {"tags": [{"key": key, "value": "a", "propagateAtLaunch": key != "stack"} for key in TAGS]},
        "labelled: tags: must have mesh, project, stack; missing: stack",
    ),
    ("gcp:compute/address:Address", {}, f"labelled: labels: {MISSING}"),
    (GKE, networks("192.0.2.0/24"), f"labelled: resourceLabels: {MISSING}"),
    (POOL, {"nodeConfig": {}}, f"labelled: nodeConfig.resourceLabels: {MISSING}"),
]

KEPT = [
    (GROUP, group("192.0.2.7/32", 22, 6443)),
    (GROUP, group("0.0.0.0/0", 80, 80)),
    (GROUP, group("0.0.0.0/0", 22, 22, "udp")),
    (RULE, {"type": "egress", "protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}),
    (FIREWALL, google(direction="EGRESS")),
    (FIREWALL, google(sourceRanges=[], sourceTags=["bastion"])),
    (FIREWALL, google(allows=[{"protocol": "tcp", "ports": ["80", "15443"]}])),
    (GKE, gke(**networks("192.0.2.0/24"))),
    (GKE, gke(privateClusterConfig={"enablePrivateEndpoint": True})),
    ("aws:ebs/volume:Volume", {"encrypted": True, "tags": TAGS}),
    (INSTANCE, instance()),
    (INSTANCE, {"launchTemplate": {"id": "lt-1"}, "tags": TAGS}),
    (TEMPLATE, template()),
    (GATEWAY, gateway("echo.demo.svc.cluster.local")),
    (GATEWAY, gateway("*", port=80, mode="")),
    ("tls:index/certRequest:CertRequest", {"privateKeyPem": Secret(KEY)}),
    ("any:index:Thing", {"publicKeyPem": "-----BEGIN PUBLIC KEY-----", "note": "kind: Configuration"}),
    ("any:index:Thing", {"inside": Secret({"deep": [KEY]}), "kubeconfig": ""}),
    ("aws:ec2/route:Route", {}),
    (SCALING, {"tags": [{"key": key, "value": "a", "propagateAtLaunch": True} for key in TAGS]}),
    ("gcp:compute/address:Address", {"labels": TAGS}),
    (POOL, {"nodeConfig": {"resourceLabels": TAGS}}),
]


@pytest.mark.parametrize(("type", "inputs", "message"), BROKEN, ids=[message[:80] for _, _, message in BROKEN])
def test_a_broken_rule_is_said_with_path_value_and_what_is_allowed(type: str, inputs: dict, message: str) -> None:
    assert message in violations(type, inputs)


@pytest.mark.parametrize(("type", "inputs"), KEPT, ids=[f"{type} {number}" for number, (type, _) in enumerate(KEPT)])
def test_what_keeps_the_rules_is_let_through(type: str, inputs: dict) -> None:
    assert violations(type, inputs) == []


def test_a_providers_own_tags_and_labels_count() -> None:
    assert violations("aws:ec2/vpc:Vpc", {}, {"defaultTags": {"tags": TAGS}}) == []
    assert (
        violations("aws:ec2/vpc:Vpc", {}, {"defaultTags": '{"tags": {"project": "a", "stack": "b", "mesh": "c"}}'})
        == []
    )
    assert violations("gcp:compute/address:Address", {}, {"defaultLabels": TAGS}) == []


def test_keys_that_could_not_be_looked_at_are_not_let_through() -> None:
    rule: Any = next(rule for rule in RULES if rule.name == "confidential-keys")
    said: list[str] = []

    class Args:
        urn = "never seen by a remediation"

    rule.validate(Args(), lambda message, _urn: said.append(message))
    assert said == ["was not checked: set the enforcement level of this rule to `remediate`"]


@pytest.mark.parametrize("type", sorted(labels.WITHOUT))
def test_what_is_let_off_cannot_carry_tags_or_labels(type: str) -> None:
    source = _sdk_source(type)
    (init,) = (node for node in ast.walk(ast.parse(source)) if getattr(node, "name", "") == "_internal_init")
    assert isinstance(init, ast.FunctionDef)
    carriers = {"tags", "tags_all"} if type.startswith("aws:") else {"labels", "resource_labels"}
    assert not carriers & {argument.arg for argument in init.args.args}


def _sdk_source(type: str) -> str:
    """Return the module that defines a type, unimported: that would take seconds."""
    cloud, module, _ = re.split("[:/]", type, maxsplit=2)
    spec = find_spec(f"pulumi_{cloud}")
    assert spec and spec.origin
    (found,) = (
        text
        for file in (Path(spec.origin).parent / module).glob("*.py")
        if f'@pulumi.type_token("{type}")' in (text := file.read_text())
    )
    return found
