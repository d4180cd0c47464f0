"""A third mesh, in a cluster that the stack does not own: one change of configuration adds it, another removes it.

The stack opens the cluster with a token. It is stolen: docs/security.md, "A kubeconfig is stolen".
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import AdmissionregistrationV1Api, CoreV1Api
from kubernetes.config import new_client_from_config_dict

from lab import cluster
from lab.cluster import Cluster
from lab.stack import Stack
from tests.e2e import account
from tests.e2e.guest import join, take_out

DOMAIN = "corp.internal"


@pytest.fixture(scope="module")
def guest(stack: Stack, show: Callable[[str], None]) -> Iterator[Cluster]:  # noqa: ARG001  made after the stack
    """A cluster that is none of the stack's, and whose Services have a domain of their own."""
    made = cluster.create("guest", show, domain=DOMAIN)
    yield made
    cluster.destroy(made.id, show)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the guest's kubeconfig is."""
    return tmp_path_factory.mktemp("guest")


@pytest.fixture(scope="module")
def joined(stack: Stack, guest: Cluster, folder: Path) -> Iterator[Stack]:
    """The stack with a third mesh, north, in the guest cluster, which it opens by a token; removed at the end."""
    by_token = replace(guest, kubeconfig=account.create(guest.kubeconfig, "pipeline"))
    join(stack, by_token, guest.address, folder, dns_domain=DOMAIN)
    yield stack
    take_out(stack)


def test_a_third_mesh_in_an_existing_cluster_answers_its_share(joined: Stack) -> None:
    report = joined.verify()
    assert report["findings"] == []
    for verdict in report["verdicts"]:
        answered = {part["mesh"] for part in verdict["answered_by"] if part["count"]}
        assert answered == {"east", "north", "west"}, (verdict["mesh"], verdict["path"])


def test_each_mesh_is_asked_by_each_path(joined: Stack) -> None:
    asked = {(verdict["mesh"], verdict["path"]) for verdict in joined.verify(10)["verdicts"]}
    assert {mesh for mesh, _ in asked} == {"east", "north", "west"}
    assert len(asked) == 9


TEN_YEARS = 10 * 365 * 86400  # seconds


def made(stack: Stack, guest: Cluster) -> tuple[dict[str, Any], set[str]]:
    """The ids of the stack's resources by URN, and the pods in the guest cluster."""
    resources = json.loads(stack.state())["deployment"]["resources"]
    with new_client_from_config_dict(yaml.safe_load(guest.kubeconfig)) as api:
        core: Any = CoreV1Api(api)
        pods = {pod.metadata.uid for pod in core.list_pod_for_all_namespaces().items}
    return {resource["urn"]: resource.get("id") for resource in resources}, pods


def answered(kubeconfig: str, expected: int) -> int:
    """What the API server answers a thief, as soon as it is `expected`: it remembers tokens for some seconds."""
    deadline = time.monotonic() + 60
    while (status := account.reads_the_meshs_ca(kubeconfig)) != expected and time.monotonic() < deadline:
        time.sleep(0.5)
    return status


def test_a_stolen_token_ends_with_its_account_and_another_one_replaces_nothing(
    joined: Stack, guest: Cluster, folder: Path
) -> None:
    stolen = (folder / "kubeconfig").read_text()
    assert account.reads_the_meshs_ca(stolen) == 200
    asked_for = account.minted(stolen, "pipeline", account.SPACE, TEN_YEARS)
    of_another = account.minted(stolen, "istiod", "istio-system", TEN_YEARS)
    before = made(joined, guest)

    (folder / "kubeconfig").write_text(account.create(guest.kubeconfig, "pipeline-2"))
    joined.up()
    account.delete(guest.kubeconfig, "pipeline")
    assert answered(stolen, 401) == 401
    assert answered(asked_for, 401) == 401, "also the token that the thief asked for meanwhile"
    assert answered(of_another, 200) == 200, "but not one of another account: see the documentation"
    joined.up("--expect-no-changes")

    assert made(joined, guest) == before
    assert account.token(stolen) not in joined.state("--show-secrets")


def test_a_mesh_taken_out_leaves_its_cluster_as_it_was(joined: Stack, guest: Cluster) -> None:
    take_out(joined)
    with new_client_from_config_dict(yaml.safe_load(guest.kubeconfig)) as api:
        namespaces = {found.metadata.name for found in CoreV1Api(api).list_namespace().items if found.metadata}
        webhooks = AdmissionregistrationV1Api(api).list_mutating_webhook_configuration().items
    assert namespaces == {"default", "kube-node-lease", "kube-public", "kube-system"}
    assert not webhooks
    assert cluster.faults(guest.id) == []
