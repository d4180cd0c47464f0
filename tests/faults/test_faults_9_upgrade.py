"""A control-plane node that upgrades itself, with a load on the cluster: docs/kubeadm.md."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client

from tests.e2e.kubeadm import images
from tests.e2e.kubeadm.api_balancer import ApiBalancer
from tests.e2e.kubeadm.booted import Booted, nodes, ready
from tests.e2e.kubeadm.machine import BootError, Machine
from tests.faults.dns_load import is_whole, load, pods

UPGRADE = "/usr/local/sbin/upgrade-kubernetes"
HAD, NEXT = images.FROM.removeprefix("v"), images.TO.removeprefix("v")


@pytest.fixture(scope="module", params=[["first"], ["first", "another"]], ids=["one", "two"])
def booted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, show: Callable[[str], None]
) -> Iterator[Booted]:
    """Control-plane nodes behind a load balancer, and a worker; the cluster's DNS is on the first, as on EC2."""
    folder = tmp_path_factory.mktemp("kubeadm")
    with ApiBalancer.running(show) as balancer, Booted.up(folder, show, balancer) as cluster:
        for name in request.param[1:]:
            cluster.join(name, name)
            cluster.give_pods_a_network(name)
        assert cluster.eventually(lambda api: len(ready(api)) == len(cluster.machines))
        gather_dns(cluster)
        yield cluster


def gather_dns(booted: Booted) -> None:
    """Bring both pods of the cluster's DNS to the first node, which is alone when they start on EC2."""
    first = booted.machines["first"].id
    others = [machine.id for machine in booted.machines.values() if machine.id != first]
    with booted.api() as api:
        for node in others:
            api.patch_node(node, {"spec": {"unschedulable": True}})
        api.delete_collection_namespaced_pod("kube-system", label_selector="k8s-app=kube-dns")
        assert booted.eventually(lambda api: is_whole(api) and {pod.spec.node_name for pod in pods(api)} == {first})
        for node in others:
            api.patch_node(node, {"spec": {"unschedulable": None}})


def control_plane(booted: Booted) -> dict[str, Machine]:
    return {name: machine for name, machine in booted.machines.items() if name != "worker"}


def versions(booted: Booted) -> dict[str, str]:
    with booted.api() as api:
        return {node.metadata.name: node.status.node_info.kubelet_version for node in nodes(api)}


def leases(booted: Booted) -> set[str]:
    with booted.api() as api:
        found: Any = client.CoordinationV1Api(api.api_client).list_namespaced_lease("kube-system")
    return {lease.metadata.name for lease in found.items}


def timer(machine: Machine, said: list[str]) -> None:
    """Do what the timer does, until the node has the version, or fails."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and f"KUBERNETES_VERSION={NEXT}\n" not in machine.read("/etc/multimesh/node.env"):
        try:
            said.append(machine.run(UPGRADE))
        except BootError as error:
            said.append(str(error))
        time.sleep(2)


@pytest.fixture(scope="module")
def upgraded(booted: Booted) -> dict[str, Any]:
    """The cluster after all control-plane nodes were told of the next version at once."""
    said: dict[str, list[str]] = {name: [] for name in control_plane(booted)}
    booted.want(NEXT)
    with load(booted) as counted:
        threads = [
            threading.Thread(target=timer, args=(machine, said[name]))
            for name, machine in control_plane(booted).items()
        ]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - started
    booted.show(f"upgraded in {took:.0f} s: {counted['sent']} requests, {len(counted['failed'])} failed")
    return {"said": said, **counted}


@pytest.mark.parametrize("wanted", ["1.99.0", "1.0.0", "2.0.0", "latest"])
def test_a_version_that_is_not_the_next_is_refused_before_anything_changes(booted: Booted, wanted: str) -> None:
    first = booted.machines["first"]
    booted.want(wanted)
    with pytest.raises(BootError, match=f"from {HAD} to {wanted}: must be newer, by one minor version"):
        first.run(UPGRADE)
    assert "multimesh-upgrade" not in leases(booted)


def test_a_node_with_the_version_that_is_wanted_is_left_alone(booted: Booted) -> None:
    booted.want(HAD)
    assert booted.machines["first"].run(UPGRADE) == ""


def test_every_control_plane_node_gets_the_version_and_all_nodes_stay_ready(
    booted: Booted, upgraded: dict[str, Any]
) -> None:
    wanted = {machine.id: f"v{NEXT}" for machine in control_plane(booted).values()}
    assert versions(booted) == wanted | {booted.machines["worker"].id: f"v{HAD}"}, upgraded["said"]
    assert booted.eventually(lambda api: ready(api) == {machine.id for machine in booted.machines.values()})


@pytest.mark.usefixtures("upgraded")
def test_the_api_server_is_of_the_new_version(booted: Booted) -> None:
    with booted.api() as api:
        servers = api.list_namespaced_pod("kube-system", label_selector="component=kube-apiserver").items
    assert {server.spec.containers[0].image.rpartition(":")[2] for server in servers} == {f"v{NEXT}"}


def test_no_request_in_the_cluster_failed_meanwhile(upgraded: dict[str, Any]) -> None:
    assert upgraded["sent"] > 100
    assert upgraded["failed"] == []


@pytest.mark.usefixtures("upgraded")
def test_nothing_is_left_of_an_upgrade(booted: Booted) -> None:
    with booted.api() as api:
        assert [node.metadata.name for node in nodes(api) if node.spec.unschedulable] == []
    assert "multimesh-upgrade" not in leases(booted)
    for machine in control_plane(booted).values():
        assert "multimesh-upgrade.conf" not in machine.run("ls", "/run").split()
        assert not {"admin.conf", "super-admin.conf"} & set(machine.run("ls", "/etc/kubernetes").split())
        assert machine.run("stat", "--format=%a", "/var/lib/kubelet/config.yaml") == "600\n"
        assert machine.run(UPGRADE) == ""


@pytest.mark.usefixtures("upgraded")
def test_an_upgrade_leaves_certificates_that_last_as_long_as_the_cas(booted: Booted) -> None:
    nine_years = str(9 * 365 * 86400)
    certificate = "/etc/kubernetes/pki/apiserver.crt"
    booted.machines["first"].run("openssl", "x509", "-in", certificate, "-noout", "-checkend", nine_years)


@pytest.mark.usefixtures("upgraded")
def test_a_worker_of_the_new_version_takes_the_place_of_an_old_one(booted: Booted) -> None:
    booted.made["worker"] = booted.made["worker"].replace(f"KUBERNETES_VERSION={HAD}\n", f"KUBERNETES_VERSION={NEXT}\n")
    booted.kill("worker")
    booted.join("worker", "worker")
    booted.give_pods_a_network("worker")
    new = booted.machines["worker"].id
    assert booted.eventually(lambda api: new in ready(api))
    assert versions(booted)[new] == f"v{NEXT}"
