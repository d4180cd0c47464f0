"""What auditors ask of nodes: the CIS benchmark for Kubernetes, as kube-bench checks it."""

import pytest
import yaml

from tests.e2e.kubeadm.booted import Booted

_PKI = "/etc/kubernetes/pki"
BENCHMARK = {
    "kube-apiserver": {
        "audit-log-maxage": "30",  # 1.2.17
        "audit-log-maxbackup": "10",  # 1.2.18
        "audit-log-maxsize": "100",  # 1.2.19
        "audit-log-path": "/var/log/kubernetes/audit.log",  # 1.2.16
        "authorization-mode": "Node,RBAC",  # 1.2.6, 1.2.7, 1.2.8
        "client-ca-file": f"{_PKI}/ca.crt",  # 1.2.25
        "enable-admission-plugins": "NodeRestriction",  # 1.2.10, 1.2.14
        "encryption-provider-config": "/etc/kubernetes/encryption.yaml",  # 1.2.27
        "etcd-cafile": f"{_PKI}/etcd/ca.crt",  # 1.2.26
        "etcd-certfile": f"{_PKI}/apiserver-etcd-client.crt",  # 1.2.23
        "kubelet-certificate-authority": f"{_PKI}/ca.crt",  # 1.2.5
        "kubelet-client-certificate": f"{_PKI}/apiserver-kubelet-client.crt",  # 1.2.4
        "profiling": "false",  # 1.2.15
        "service-account-key-file": f"{_PKI}/sa.pub",  # 1.2.22
        "tls-cert-file": f"{_PKI}/apiserver.crt",  # 1.2.24
        "token-auth-file": None,  # 1.2.2
    },
    "kube-controller-manager": {
        "bind-address": "127.0.0.1",  # 1.3.7
        "profiling": "false",  # 1.3.2
        "root-ca-file": f"{_PKI}/ca.crt",  # 1.3.5
        "service-account-private-key-file": f"{_PKI}/sa.key",  # 1.3.4
        "use-service-account-credentials": "true",  # 1.3.3
    },
    "kube-scheduler": {"bind-address": "127.0.0.1", "profiling": "false"},  # 1.4.2, 1.4.1
    "etcd": {
        "auto-tls": None,  # 2.3
        "cert-file": f"{_PKI}/etcd/server.crt",  # 2.1
        "client-cert-auth": "true",  # 2.2
        "peer-auto-tls": None,  # 2.6
        "peer-cert-file": f"{_PKI}/etcd/peer.crt",  # 2.4
        "peer-client-cert-auth": "true",  # 2.5
        "trusted-ca-file": f"{_PKI}/etcd/ca.crt",  # 2.7
    },
}
"""Arguments that the CIS benchmark for Kubernetes asks for, with its numbers; None: must not be there."""


@pytest.mark.parametrize("component", BENCHMARK)
def test_the_control_plane_has_the_arguments_that_auditors_ask_for(booted: Booted, component: str) -> None:
    with booted.api() as api:
        (pod, *_) = api.list_namespaced_pod("kube-system", label_selector=f"component={component}").items
    given = dict(argument.removeprefix("--").split("=", 1) for argument in pod.spec.containers[0].command[1:])
    assert {name: given.get(name) for name in BENCHMARK[component]} == BENCHMARK[component]


@pytest.mark.parametrize("name", ["first", "worker"])
def test_only_root_reads_a_node_s_keys_and_configuration(booted: Booted, name: str) -> None:
    """Sections 1.1 and 4.1 of the CIS benchmark."""
    secret = ["/etc/kubernetes", "/var/lib/kubelet/config.yaml", "/var/lib/kubelet/pki"]
    data = ["/var/lib/etcd"] if name == "first" else []
    steady = ["-ignore_readdir_race"]  # etcd's files come and go
    found = booted.machines[name].run(
        "find", *secret, *data, *steady, "-type", "f", "-perm", "/077", "!", "-name", "joined"
    )
    public = {"/etc/kubernetes/audit-policy.yaml", "/etc/kubernetes/ca.crt"}
    assert {line for line in found.splitlines() if not line.endswith("/pki/kubelet.crt")} <= public
    assert booted.machines[name].run("find", *secret, *data, *steady, "!", "-user", "root") == ""
    for folder in data:
        assert booted.machines[name].run("stat", "--format=%a", folder) == "700\n"


@pytest.mark.parametrize("name", ["first", "worker"])
def test_a_kubelet_lets_in_who_the_api_server_knows_and_may(booted: Booted, name: str) -> None:
    """Section 4.2 of the CIS benchmark."""
    configured = yaml.safe_load(booted.machines[name].read("/var/lib/kubelet/config.yaml"))
    assert configured["authentication"]["anonymous"]["enabled"] is False
    assert configured["authentication"]["webhook"]["enabled"] is True
    assert configured["authentication"]["x509"]["clientCAFile"] == f"{_PKI}/ca.crt"
    assert configured["authorization"]["mode"] == "Webhook"
    assert configured["rotateCertificates"] is True
    assert configured["serverTLSBootstrap"] is True
    assert configured.get("readOnlyPort", 0) == 0
