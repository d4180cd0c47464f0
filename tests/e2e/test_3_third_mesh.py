"""A mesh more, in a cluster that somebody else made: one change of configuration joins it, another takes it out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import AdmissionregistrationV1Api, CoreV1Api
from kubernetes.config import new_client_from_config_dict

from components.clusters import local
from lab import cluster
from lab.cluster import Cluster
from lab.paths import IMAGE_HUB, IMAGE_TAG
from tests.e2e.stack import Stack

Config = dict[str, Any]


@pytest.fixture(scope="module")
def guest(stack: Stack, show: Callable[[str], None]) -> Iterator[Cluster]:  # noqa: ARG001  made after the stack
    """A cluster that is none of the stack's."""
    made = cluster.create("guest", show)
    yield made
    cluster.destroy(made.id, show)


@pytest.fixture(scope="module")
def joined(stack: Stack, guest: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with a third mesh, north, in the guest cluster; taken out at the end."""
    kubeconfig = tmp_path_factory.mktemp("guest") / "kubeconfig"
    kubeconfig.write_text(guest.kubeconfig)
    stack.configure(lambda config: config.update(_with_north(config, guest, kubeconfig)))
    stack.up()
    yield stack
    take_out(stack)


def _with_north(config: Config, guest: Cluster, kubeconfig: Path) -> Config:
    gateway = {"service": "NodePort", "address": guest.address}
    existing = {"kind": "existing", "kubeconfig": str(kubeconfig), "gateway": gateway}
    [echo] = config["multimesh:services"]
    lab = local.platform()  # a guest that cannot pull images needs what the lab's clusters get by themselves
    return {
        "multimesh:meshes": config["multimesh:meshes"] | {"north": {"cluster": existing}},
        "multimesh:services": [echo | {"meshes": {"east": 50, "west": 50, "north": 50}}],
        "multimesh:istio": {"charts": lab.charts, "hub": IMAGE_HUB, "tag": IMAGE_TAG, "values": dict(lab.values)},
        "multimesh:sample_image": lab.sample_image,
    }


def take_out(stack: Stack) -> None:
    """Bring the stack back to its two meshes; nothing to do if it has no other."""
    stack.configure(_without_north)
    stack.up()


def _without_north(config: Config) -> None:
    if "north" not in config["multimesh:meshes"]:
        return
    [echo] = config["multimesh:services"]
    del config["multimesh:meshes"]["north"], config["multimesh:istio"], config["multimesh:sample_image"]
    del echo["meshes"]["north"]


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
