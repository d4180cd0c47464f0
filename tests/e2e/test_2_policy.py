"""The policy pack, run by the real engine: over the stack, and over a program that breaks every rule."""

import subprocess
from pathlib import Path

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
Claimed("aws:ec2/instance:Instance", "node", {"tags": {"project": "a", "stack": "b", "mesh": "c"}})
'''
REFUSED = [
    "confidential-keys  (any:index:Thing: clear)",
    "encrypted-volumes  (aws:ec2/instance:Instance: node)",
    "exact-peer-hosts  (kubernetes:networking.istio.io/v1:Gateway: peers)",
    "imdsv2-required  (aws:ec2/instance:Instance: node)",
    "labelled  (aws:ec2/securityGroup:SecurityGroup: open)",
    "no-open-administration  (aws:ec2/securityGroup:SecurityGroup: open)",
]


def test_the_stack_keeps_every_rule(stack: Stack) -> None:
    stack.pulumi("preview", "--stack", stack.name, "--policy-pack", "policy", "--expect-no-changes")


def test_a_program_that_breaks_the_rules_is_refused(stack: Stack, tmp_path: Path) -> None:
    runtime = {"name": "python", "options": {"virtualenv": str(CHECKOUT / ".venv")}}
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "broken", "runtime": runtime}))
    (tmp_path / "__main__.py").write_text(BROKEN)
    environment = stack.environment | {"PULUMI_BACKEND_URL": tmp_path.as_uri()}

    def pulumi(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", *arguments, "--stack", "test", "--non-interactive", "--color=never"]
        return subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=120)

    assert pulumi("stack", "init").returncode == 0
    preview = pulumi("preview", "--policy-pack", str(CHECKOUT / "policy"))
    assert preview.returncode != 0
    said = [line.partition("[mandatory]  ")[2] for line in preview.stdout.splitlines() if "[mandatory]" in line]
    assert sorted(set(said)) == REFUSED
