"""The stack `dev`, on EC2 and GKE with Istio and the sample, as a public scanner judges it: `make scan`.

checkov reads what the program registers under mocks. Every finding is in accepted.yaml with the reason; Flannel's
chart, which is a download, is not rendered.
"""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import dev_stack
import pytest
import scanner
import terraform_plan
import yaml
from recording import Recording, recorded
from scanner import Finding

from components.versions import KUBERNETES_VERSION

pytestmark = pytest.mark.timeout(900)

INSTANCE, TEMPLATE, ECHO = "ec2-control-plane-0", f"ec2-workers-1-{KUBERNETES_VERSION}", "ec2-echo-deployment"
CONTAINER = ("spec", "template", "spec", "containers", 0, "securityContext")
WEAKNESSES: list[tuple[str, tuple[str | int, ...], Any, str]] = [
    (INSTANCE, ("metadataOptions", "httpTokens"), "optional", "CKV_AWS_79"),
    (INSTANCE, ("rootBlockDevice", "encrypted"), False, "CKV_AWS_8"),
    (TEMPLATE, ("metadataOptions", "httpTokens"), "optional", "CKV_AWS_79"),
    ("ec2-secrets-key", ("enableKeyRotation",), False, "CKV_AWS_7"),
    ("ec2-control-plane-token", ("type",), "String", "CKV2_AWS_34"),
    ("gke-cluster", ("enableLegacyAbac",), True, "CKV_GCP_7"),
    ("gke-cluster", ("nodeConfig", "shieldedInstanceConfig", "enableSecureBoot"), False, "CKV_GCP_68"),
    ("gke-nodes", ("management", "autoUpgrade"), False, "CKV_GCP_10"),
    ("gke-subnetwork", ("logConfig",), None, "CKV_GCP_26"),
    ("gke-webhook", ("allows",), [{"protocol": "tcp", "ports": ["22"]}], "CKV_GCP_2"),
    ("gke-webhook", ("sourceRanges",), ["0.0.0.0/0"], "CKV_GCP_2"),
    (ECHO, (*CONTAINER, "privileged"), True, "CKV_K8S_16"),
    (ECHO, (*CONTAINER, "allowPrivilegeEscalation"), True, "CKV_K8S_20"),
]


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    with pytest.MonkeyPatch.context() as patched:
        dev_stack.with_accounts(patched, tmp_path_factory.mktemp("accounts"))
        yield recorded(dev_stack.documented())


@pytest.fixture(scope="module")
def found(dev: Recording, tmp_path_factory: pytest.TempPathFactory) -> set[Finding]:
    return scanner.findings(dev, tmp_path_factory.mktemp("dev"))


@pytest.fixture(scope="module")
def weakened(dev: Recording, tmp_path_factory: pytest.TempPathFactory) -> set[Finding]:
    """What is found if every weakness of WEAKNESSES is there."""
    worse = deepcopy(dev)
    for name, path, value, _ in WEAKNESSES:
        *keys, last = path
        inner: Any = worse[name].inputs
        for key in keys:
            inner = inner[key]
        inner[last] = value
    del worse[TEMPLATE].property_dependencies["vpcSecurityGroupIds"]
    return scanner.findings(worse, tmp_path_factory.mktemp("weakened"))


def accepted() -> set[Finding]:
    listed = yaml.safe_load((Path(__file__).parent / "accepted.yaml").read_text())
    return {(check, resource) for check, about in listed.items() for resource in about["resources"]}


def test_every_finding_is_accepted_with_a_reason(found: set[Finding]) -> None:
    assert found - accepted() == set()


def test_what_is_accepted_is_still_found(found: set[Finding]) -> None:
    assert accepted() - found == set()


def test_every_reason_is_a_sentence() -> None:
    listed = yaml.safe_load((Path(__file__).parent / "accepted.yaml").read_text())
    for check, about in listed.items():
        assert about.keys() == {"check", "why", "resources"}, check
        assert about["why"].endswith("."), check


@pytest.mark.parametrize(("name", "check"), sorted({(name, check) for name, _, _, check in WEAKNESSES}))
def test_a_weakness_is_found(weakened: set[Finding], dev: Recording, name: str, check: str) -> None:
    kind = terraform_plan.TYPES.get(dev[name].type)
    assert (check, f"{kind}.{name}" if kind else "Deployment.demo.echo") in weakened - accepted()


def test_a_security_group_that_nothing_uses_is_found(weakened: set[Finding], found: set[Finding]) -> None:
    unused = ("CKV2_AWS_5", "aws_security_group.ec2-workers-group")
    assert unused in weakened - found, "the plan says which resource refers to which"
