"""The lab's own doors, tried as somebody who found them: a pod in the node's network, another user of the machine."""

import socket
import subprocess

import pytest

from lab import allocation, network, paths, pki
from lab.stack import Stack


def asked(id: str, *options: str) -> str:
    """Return what etcd answers inside a cluster's network, "" if it refuses."""
    command = [*network.enter(id), "curl", "--silent", "--max-time", "5", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout


@pytest.fixture
def id(stack: Stack) -> str:
    return stack.labs()["east"]["id"]


@pytest.mark.parametrize("port", [2379, 2380])
def test_etcd_answers_nobody_without_a_certificate(id: str, port: int) -> None:
    assert asked(id, f"http://127.0.0.1:{port}/version") in ("", "Client sent an HTTP request to an HTTPS server.\n")
    assert asked(id, "--insecure", f"https://127.0.0.1:{port}/version") == ""


def test_etcd_answers_nobody_with_a_certificate_of_the_clusters_ca(id: str) -> None:
    folder = paths.STATE / id / "pki"
    certificate = ["--cert", str(folder / "admin.crt"), "--key", str(folder / "admin.key")]
    assert asked(id, "--insecure", *certificate, "https://127.0.0.1:2379/version") == ""


def test_etcd_answers_the_api_server(id: str) -> None:
    folder = paths.STATE / id / pki.ETCD
    certificate = ["--cert", str(folder / "client.crt"), "--key", str(folder / "client.key")]
    assert "etcdserver" in asked(id, "--cacert", str(folder / "ca.crt"), *certificate, "https://127.0.0.1:2379/version")


def test_a_cluster_begins_no_connection_with_this_machine(id: str) -> None:
    given = allocation.find(id)
    assert given
    connect = ["bash", "-c", 'exec 3<>"/dev/tcp/$0/$1"', given.gateway]
    with socket.create_server((given.gateway, 0)) as server:
        port = str(server.getsockname()[1])
        assert subprocess.run([*connect, port], timeout=30).returncode == 0, "the machine itself connects"
        inside = subprocess.run([*network.enter(id), *connect, port], capture_output=True, text=True, timeout=30)
    assert "Connection refused" in inside.stderr


def test_a_cluster_has_no_second_way_to_this_machine(id: str) -> None:
    listed = subprocess.run(["ip", "-6", "address", "show", "dev", id], capture_output=True, text=True, timeout=30)
    assert (listed.returncode, listed.stdout) == (0, "")
