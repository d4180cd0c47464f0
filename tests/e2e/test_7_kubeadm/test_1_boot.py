"""The cluster that the nodes make, and what it keeps to itself."""

import json
from typing import Any

import pytest
from kubernetes import client

from tests.e2e.kubeadm.booted import Booted, is_ready, ready
from tests.e2e.kubeadm.machine import BootError


def test_the_kubeconfig_that_pulumi_computed_is_the_administrator_s(booted: Booted) -> None:
    everything = {"spec": {"resourceAttributes": {"verb": "*", "group": "*", "resource": "*"}}}
    with booted.api() as api:
        authorization: Any = client.AuthorizationV1Api(api.api_client)
        answer = authorization.create_self_subject_access_review(everything)
    assert answer.status.allowed


def test_both_nodes_become_ready(booted: Booted) -> None:
    ids = {machine.id for machine in booted.machines.values()}
    assert booted.eventually(lambda api: ready(api) == ids)


def test_the_worker_runs_pods_that_reach_the_api_by_its_service(booted: Booted) -> None:
    def ready_dns(api: Any) -> list[Any]:
        pods = api.list_namespaced_pod("kube-system", label_selector="k8s-app=kube-dns").items
        return [pod for pod in pods if is_ready(pod) and pod.spec.node_name == booted.machines["worker"].id]

    assert booted.eventually(ready_dns)


def test_secrets_are_encrypted_on_etcds_disk_and_config_maps_are_not(booted: Booted) -> None:
    with booted.api() as api:
        api.create_namespaced_secret("default", {"metadata": {"name": "told"}, "stringData": {"a": "told-secretly"}})
        api.create_namespaced_config_map("default", {"metadata": {"name": "told"}, "data": {"a": "told-openly"}})
    first = booted.machines["first"]
    assert "told-openly" in first.run("grep", "-rao", "told-openly", "/var/lib/etcd/member")
    with pytest.raises(BootError, match="exit code 1"):  # grep found nothing
        first.run("grep", "-rao", "told-secretly", "/var/lib/etcd/member")


def test_the_audit_log_has_who_did_what_and_no_secret(booted: Booted) -> None:
    log = booted.machines["first"].read("/var/log/kubernetes/audit.log")
    entries = [json.loads(line) for line in log.splitlines()]
    asked = [(entry["user"]["username"], entry["verb"]) for entry in entries if "secrets" in entry["requestURI"]]
    assert ("multimesh", "create") in asked
    assert "told-secretly" not in log


@pytest.mark.parametrize("name", ["first", "worker"])
def test_what_opens_more_than_a_node_needs_is_gone(booted: Booted, name: str) -> None:
    left = booted.machines[name].run("ls", "/etc/kubernetes").split()
    assert "kubelet.conf" in left
    assert not {"token", "admin.conf", "super-admin.conf", "bootstrap-kubelet.conf"} & set(left)


def test_a_node_that_has_joined_is_left_alone_by_another_run(booted: Booted) -> None:
    assert booted.machines["worker"].run("/usr/local/sbin/join-cluster") == "join-cluster: done before\n"
