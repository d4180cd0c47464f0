"""A third mesh, in a cluster that the stack does not own: one change of configuration adds it, another removes it."""

from collections.abc import Callable, Iterator

import pytest
import yaml
from kubernetes.client import AdmissionregistrationV1Api, CoreV1Api
from kubernetes.config import new_client_from_config_dict

from lab import cluster
from lab.cluster import Cluster
from lab.stack import Stack
from tests.e2e.guest import join, take_out


@pytest.fixture(scope="module")
def guest(stack: Stack, show: Callable[[str], None]) -> Iterator[Cluster]:  # noqa: ARG001  made after the stack
    """A cluster that is none of the stack's."""
    made = cluster.create("guest", show)
    yield made
    cluster.destroy(made.id, show)


@pytest.fixture(scope="module")
def joined(stack: Stack, guest: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with a third mesh, north, in the guest cluster; removed at the end."""
    join(stack, guest, guest.address, tmp_path_factory.mktemp("guest"))
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


def test_a_mesh_taken_out_leaves_its_cluster_as_it_was(joined: Stack, guest: Cluster) -> None:
    take_out(joined)
    with new_client_from_config_dict(yaml.safe_load(guest.kubeconfig)) as api:
        namespaces = {found.metadata.name for found in CoreV1Api(api).list_namespace().items if found.metadata}
        webhooks = AdmissionregistrationV1Api(api).list_mutating_webhook_configuration().items
    assert namespaces == {"default", "kube-node-lease", "kube-public", "kube-system"}
    assert not webhooks
    assert cluster.faults(guest.id) == []
