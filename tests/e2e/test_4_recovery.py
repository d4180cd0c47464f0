"""A cluster that died is noticed and comes back with its data."""

import yaml
from kubernetes import client, config

from lab import cluster, paths
from lab.processes import Process
from tests.e2e.stack import Stack


def witness(stack: Stack) -> client.CoreV1Api:
    kubeconfig = yaml.safe_load(stack.outputs().kubeconfigs["east"].get_secret_value())
    return client.CoreV1Api(config.new_client_from_config_dict(kubeconfig))


def test_a_killed_cluster_is_noticed_by_refresh_and_brought_back_by_up_with_its_data(stack: Stack) -> None:
    note = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="witness"), data={"seen": "before the kill"})
    witness(stack).create_namespaced_config_map("demo", note)
    id = stack.clusters()["east"].id
    etcd = Process.read(paths.RUN / id / "processes" / "etcd")
    assert etcd
    etcd.kill()

    assert "etcd" in stack.pulumi("refresh", "--yes", "--skip-preview", "--diff", "--stack", "e2e")
    stack.up("--skip-preview")

    assert cluster.faults(id) == []
    kept = witness(stack).read_namespaced_config_map("witness", "demo").data
    assert kept == {"seen": "before the kill"}
    assert stack.verify()["findings"] == []


def test_afterwards_there_is_nothing_left_to_do(stack: Stack) -> None:
    stack.up("--expect-no-changes")
