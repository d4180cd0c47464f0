"""Nodes that start over, and nodes that come later."""

import os
from typing import Any

import pytest

from tests.e2e.kubeadm.booted import Booted, is_ready, ready


def test_making_the_cluster_again_after_a_failure_takes_up_what_is_there(booted: Booted) -> None:
    ids = {machine.id for machine in booted.machines.values()}
    first = booted.machines["first"]
    first.run("rm", "/etc/kubernetes/joined")  # as if the last step had failed
    assert "join-cluster: making the cluster\n" in first.run("/usr/local/sbin/join-cluster")
    assert booted.eventually(lambda api: ready(api) == ids)


def test_joining_again_after_a_failure_starts_over(booted: Booted) -> None:
    worker = booted.machines["worker"]
    worker.run("rm", "/etc/kubernetes/joined")
    with booted.api() as api:
        api.delete_node(
            worker.id
        )  # kubeadm refuses, and is tried again, until the cluster has missed the node for 40 s
    said = worker.run("/usr/local/sbin/join-cluster")
    assert "join-cluster: an earlier attempt failed half-way: resetting\n" in said
    assert booted.eventually(lambda api: worker.id in ready(api))


def test_another_control_plane_node_joins_without_a_certificate_key(booted: Booted) -> None:
    load = os.getloadavg()[0]
    if load > 5 * (os.cpu_count() or 1):
        pytest.skip(
            f"load {load:.0f}: two etcd members of one overloaded machine do not find a leader in kubeadm's time"
        )
    booted.join("another", "another")
    booted.give_pods_a_network("another")
    both = {booted.machines["first"].id, booted.machines["another"].id}

    def etcds(api: Any) -> set[str]:
        pods = api.list_namespaced_pod("kube-system", label_selector="component=etcd").items
        return {pod.spec.node_name for pod in pods if is_ready(pod)}

    assert booted.eventually(lambda api: etcds(api) == both)
    assert booted.eventually(lambda api: ready(api) >= both)


def test_another_worker_takes_the_place_of_one_that_was_killed(booted: Booted) -> None:
    booted.kill("worker")
    booted.join("worker", "worker")
    booted.give_pods_a_network("worker")
    assert booted.eventually(lambda api: booted.machines["worker"].id in ready(api))
