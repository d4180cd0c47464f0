"""The policy pack, run by the real engine: over the stack, and over a program that breaks every rule."""

import subprocess
from pathlib import Path

import pytest
import yaml

from lab.environment import CHECKOUT
from lab.stack import Stack

BROKEN = '''
import pulumi
import pulumi_tls as tls


class Claimed(pulumi.ComponentResource):
    """A resource of whatever type: the engine shows a component's inputs to a policy pack, too."""

    def __init__(self, type_, name, inputs):
        super().__init__(type_, name, inputs)
        self.register_outputs(inputs)  # a rule about a whole stack is shown these


key = tls.PrivateKey("key", algorithm="ECDSA", ecdsa_curve="P256").private_key_pem
Claimed("any:index:Thing", "kept", {"private_key_pem": key})
Claimed("any:index:Thing", "clear", {"private_key_pem": pulumi.Output.unsecret(key)})
Claimed(
    "kubernetes:networking.istio.io/v1:Gateway",
    "peers",
    {"spec": {"servers": [{"port": {"number": 15443}, "hosts": ["*.local"]}]}},
)
Claimed(
    "aws:ec2/securityGroup:SecurityGroup",
    "open",
    {"ingress": [{"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["0.0.0.0/0"]}]},
)
tags = {"project": "a", "stack": "b", "mesh": "c"}
Claimed("aws:ec2/instance:Instance", "node", {"tags": tags})
secret = {"metadata": {"name": "deep"}, "stringData": {"tls.key": pulumi.Output.unsecret(key)}}
Claimed("kubernetes:core/v1:Secret", "deep", secret)
Claimed("kubernetes:core/v1:Secret", "kept-deep", {"metadata": {"name": "deep"}, "stringData": {"tls.key": key}})
Claimed("kubernetes:security.istio.io/v1:PeerAuthenticationPatch", "plain", {"spec": {"mtls": {"mode": "DISABLE"}}})
Claimed("kubernetes:security.istio.io/v1:AuthorizationPolicy", "all", {"spec": {"rules": [{}]}})
administrator = {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
Claimed("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "god", administrator)
private = {"resourceLabels": tags, "privateClusterConfig": {"enablePrivateEndpoint": True}}
Claimed("gcp:container/cluster:Cluster", "old", {"enableLegacyAbac": True} | private)
'''
ELSEWHERE = (
    BROKEN.partition("key = ")[0]
    + """
tags = [{"key": key, "value": "a", "propagateAtLaunch": True} for key in ("project", "stack", "mesh")]
Claimed("aws:autoscaling/group:Group", "nodes", {"launchTemplate": {"id": "lt-1"}, "tags": tags})
"""
)
REFUSED = [
    "confidential-keys  (any:index:Thing: clear)",
    "confidential-keys  (kubernetes:core/v1:Secret: deep)",
    "encrypted-volumes  (aws:ec2/instance:Instance: node)",
    "exact-peer-hosts  (kubernetes:networking.istio.io/v1:Gateway: peers)",
    "guarded-control-plane  (gcp:container/cluster:Cluster: old)",
    "imdsv2-required  (aws:ec2/instance:Instance: node)",
    "labelled  (aws:ec2/securityGroup:SecurityGroup: open)",
    "limited-identities  (aws:iam/rolePolicyAttachment:RolePolicyAttachment: god)",
    "mutual-tls  (kubernetes:security.istio.io/v1:PeerAuthenticationPatch: plain)",
    "no-open-administration  (aws:ec2/securityGroup:SecurityGroup: open)",
    "no-open-authorization  (kubernetes:security.istio.io/v1:AuthorizationPolicy: all)",
]


def test_the_stack_keeps_every_rule(stack: Stack) -> None:
    stack.pulumi("preview", "--stack", stack.name, "--policy-pack", "policy", "--expect-no-changes")


@pytest.mark.parametrize(
    ("program", "refused"),
    [
        (BROKEN, REFUSED),
        (ELSEWHERE, ["own-launch-templates  (aws:autoscaling/group:Group: nodes)"]),
    ],
    ids=["rules about a resource", "the rule about a stack"],
)
def test_a_program_that_breaks_the_rules_is_refused(
    stack: Stack, tmp_path: Path, program: str, refused: list[str]
) -> None:
    runtime = {"name": "python", "options": {"virtualenv": str(CHECKOUT / ".venv")}}
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "broken", "runtime": runtime}))
    (tmp_path / "__main__.py").write_text(program)
    environment = stack.environment | {"PULUMI_BACKEND_URL": tmp_path.as_uri()}

    def pulumi(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", *arguments, "--stack", "test", "--non-interactive", "--color=never"]
        return subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=120)

    assert pulumi("stack", "init").returncode == 0
    preview = pulumi("preview", "--policy-pack", str(CHECKOUT / "policy"))
    assert preview.returncode != 0
    said = [line.partition("[mandatory]  ")[2] for line in preview.stdout.splitlines() if "[mandatory]" in line]
    assert sorted(set(said)) == refused
