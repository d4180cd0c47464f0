"""A worker and the administrator's kubeconfig are stolen: what each step of the drills in docs/security.md ends."""

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client import ApiException

from lab.environment import CHECKOUT
from tests.e2e.kubeadm.booted import Booted, accepted

SECURITY = CHECKOUT / "docs/security.md"
KUBELET = "/var/lib/kubelet/pki/kubelet-client-current.pem"
BINDING = "kubeadm:cluster-admins"
SUPER = "/etc/kubernetes/super-admin.conf"


class Thief:
    """Who has a worker's certificate with its key, and asks the API server from elsewhere."""

    def __init__(self, booted: Booted, folder: Path) -> None:
        worker = booted.machines["worker"]
        self.node = worker.id
        (folder / "kubelet.pem").write_text(worker.run("cat", KUBELET))
        (folder / "ca.crt").write_text(booted.made["parameters"]["/worker/ca.crt"])
        opened = client.Configuration(host=f"https://{booted.machines['first'].address}:6443")
        opened.ssl_ca_cert, opened.cert_file = str(folder / "ca.crt"), str(folder / "kubelet.pem")
        self.api: Any = client.CoreV1Api(client.ApiClient(opened))

    def reads(self, secret: str) -> int:
        """The status of the answer when he asks for a Secret."""
        return status(self.api.read_namespaced_secret, secret, "default")

    def registers(self) -> int:
        """The status of the answer when he makes the node again, for pods with their Secrets to come to him."""
        return status(self.api.create_node, {"metadata": {"name": self.node}})


def status(asked: Any, *arguments: Any) -> int:
    try:
        asked(*arguments)
    except ApiException as error:
        return error.status or 0
    return 200


@pytest.fixture(scope="module")
def thief(booted: Booted, tmp_path_factory: pytest.TempPathFactory) -> Thief:
    """The thief of a node on which a pod has a Secret."""
    found = Thief(booted, tmp_path_factory.mktemp("thief"))
    with booted.api() as api:
        for name in ("of-a-pod", "of-nobody"):
            api.create_namespaced_secret("default", {"metadata": {"name": name}, "stringData": {"a": "b"}})
        volume = {"name": "kept", "secret": {"secretName": "of-a-pod"}}
        container = {"name": "app", "image": "registry.k8s.io/pause:3.10.2"}
        spec = {"nodeName": found.node, "containers": [container], "volumes": [volume]}
        api.create_namespaced_pod("default", {"metadata": {"name": "holds"}, "spec": spec})
    assert booted.eventually(lambda _: found.reads("of-a-pod") == 200)
    return found


@pytest.fixture(scope="module")
def kubectl(booted: Booted, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """kubectl of the administrator."""
    kubeconfig = tmp_path_factory.mktemp("kubectl") / "kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(booted.made["kubeconfig"])
    return lambda *arguments: accepted("kubectl", "--kubeconfig", str(kubeconfig), *arguments)


def banishing(node: str) -> str:
    """The policy in the documentation by which a node's certificate writes nothing any more."""
    [found] = re.findall(r"```yaml\n( +apiVersion: admissionregistration.*?)```", SECURITY.read_text(), re.DOTALL)
    return textwrap.dedent(found).replace("<node>", node)


def test_a_stolen_node_reads_its_pods_secrets_and_comes_back_until_its_certificate_is_banished(
    booted: Booted, thief: Thief, kubectl: Callable[..., str], tmp_path: Path
) -> None:
    assert (thief.reads("of-a-pod"), thief.reads("of-nobody")) == (200, 403)
    of_the_node = ["--all-namespaces", "--field-selector", f"spec.nodeName={thief.node}"]

    booted.machines["worker"].run("systemctl", "stop", "kubelet")
    kubectl("delete", "node", thief.node)
    kubectl("delete", "pods", *of_the_node, "--grace-period=0", "--force")
    assert booted.eventually(lambda _: thief.reads("of-a-pod") == 403)
    assert thief.registers() == 200, "a deleted node may make itself again"

    policy = tmp_path / "policy.yaml"
    policy.write_text(banishing(thief.node))
    kubectl("apply", "--filename", str(policy))

    def refused(_: Any) -> bool:
        kubectl("delete", "node", thief.node, "--ignore-not-found")
        return thief.registers() == 422

    assert booted.eventually(refused)


def test_the_administrators_kubeconfig_ends_with_the_binding_of_its_group(booted: Booted) -> None:
    first = booted.machines["first"]
    beyond = ["kubectl", f"--kubeconfig={SUPER}"]
    first.run("kubeadm", "init", "phase", "kubeconfig", "super-admin", "--config", "/etc/multimesh/cluster.yaml")
    with booted.api() as api:
        assert status(api.list_secret_for_all_namespaces) == 200

    first.run(*beyond, "delete", "clusterrolebinding", BINDING)
    assert booted.eventually(lambda api: status(api.list_secret_for_all_namespaces) == 403)
    with booted.api() as api:
        assert status(api.list_node) == 403

    first.run(*beyond, "create", "clusterrolebinding", BINDING, "--clusterrole=cluster-admin", f"--group={BINDING}")
    first.run("rm", SUPER)
    assert booted.eventually(lambda api: status(api.list_secret_for_all_namespaces) == 200)
