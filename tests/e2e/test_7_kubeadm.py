"""The user data of a cloud's nodes, booted for real: a control plane and a worker, from user data alone."""

import base64
import json
import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client
from kubernetes import config as kubernetes_config

from lab import config, dns, paths
from lab.environment import CHECKOUT
from lab.processes import run
from lab.stack import Stack
from tests.aws import role_arn
from tests.e2e import machine as view
from tests.e2e.kubeadm import cloud_init, images
from tests.e2e.kubeadm.machine import BootError, Machine

ENDPOINT = "api.kubeadm.test"


@dataclass
class Booted:
    """The machines by name, what Pulumi made for them, and the API as the computed kubeconfig opens it."""

    show: Callable[[str], None]
    addresses: Path
    """The file of all instances' addresses, as EC2 knows them."""
    made: dict[str, Any] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    """Of all machines, those that are gone too."""

    def machine(self, name: str) -> Machine:
        """Make a machine that has not booted."""
        self.machines[name] = Machine(name, self.show)
        self.ids.append(self.machines[name].id)
        self.addresses.write_text(json.dumps({machine.id: machine.address for machine in self.machines.values()}))
        return self.machines[name]

    def boot(self, name: str, role: str, hosts: dict[str, str]) -> None:
        """Boot a machine with the user data of a role; it sees the parameters of its own path alone."""
        own = "worker" if role == "worker" else "control-plane"
        parameters = {path: text for path, text in self.made["parameters"].items() if path.startswith(f"/{own}/")}
        aws = {"role": own, "parameters": parameters, "addresses": str(self.addresses)}
        self.machines[name].boot(self.made[role], aws, images.template(), hosts)

    def join(self, name: str, role: str) -> None:
        """Make and boot a machine that joins; the first one is what DNS answers for the endpoint."""
        self.machine(name)
        self.boot(name, role, {ENDPOINT: self.machines["first"].address})

    def kill(self, name: str) -> None:
        """Take a machine away without a word to the cluster."""
        self.machines.pop(name).destroy()

    def give_pods_a_network(self, name: str) -> None:
        """Do what a CNI does: write its file with the node's pod CIDR, and route that to the node."""
        machine = self.machines[name]
        cidr = self.eventually(  # a node registers a moment after kubeadm is done
            lambda api: next((node.spec.pod_cidr for node in _nodes(api) if node.metadata.name == machine.id), None)
        )
        network = json.loads(config.pod_network(machine.given))
        network["plugins"][0]["ipam"] |= {"ranges": [[{"subnet": cidr}]], "dataDir": "/run/addresses"}
        machine.write("/etc/cni/net.d/10-pods.conflist", json.dumps(network))
        run("ip", "route", "replace", cidr, "via", machine.address, "dev", machine.id)

    def api(self) -> Any:
        """Return the API, a CoreV1Api to be used in a `with`."""
        return _Api(yaml.safe_load(self.made["kubeconfig"]))

    def eventually(self, question: Callable[[Any], Any], seconds: float = 120) -> Any:
        """Return the answer to a question as soon as it is none of False, None or empty, or what it is in the end."""
        deadline = time.monotonic() + seconds
        with self.api() as api:
            while not (answer := question(api)) and time.monotonic() < deadline:
                time.sleep(0.5)
        return answer


class _Api:
    def __init__(self, kubeconfig: dict[str, Any]) -> None:
        self.connected = kubernetes_config.new_client_from_config_dict(kubeconfig)

    def __enter__(self) -> Any:
        return client.CoreV1Api(self.connected)

    def __exit__(self, *_: object) -> None:
        self.connected.close()


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory, show: Callable[[str], None]) -> Iterator[Booted]:
    """Two nodes, up; nothing of them is left at the end, whatever happens."""
    before = view.snapshot()
    folder = tmp_path_factory.mktemp("kubeadm")
    cluster = Booted(show, folder / "addresses.json")
    try:
        cluster.made = _made(folder, cluster.machine("first"), show)
        cluster.boot("first", "first", {})
        _adapt_dns(cluster)
        cluster.join("worker", "worker")
        cluster.give_pods_a_network("worker")
        cluster.eventually(lambda api: cluster.machines["worker"].id in _ready(api))
        cluster.give_pods_a_network("first")  # later, so that pods are on the worker
        yield cluster
    finally:
        for name in list(cluster.machines):
            cluster.kill(name)
    assert [line for line in view.left_since(before) if any(id in line for id in cluster.ids)] == []


def _made(folder: Path, first: Machine, show: Callable[[str], None]) -> dict[str, Any]:
    """Run the program with the real engine, and return its outputs."""
    stack = Stack(folder, show, "kubeadm")
    stack.run_instead(CHECKOUT / "tests/e2e/kubeadm/program.py")
    settings = {
        "kubeadm:endpoint": ENDPOINT,
        "kubeadm:address": first.address,
        "kubeadm:worker_role": role_arn("worker"),
        "kubeadm:pod_cidr": first.given.pod_cidr,
        "kubeadm:service_cidr": first.given.service_cidr,
    }
    stack.configure(lambda config: config.update(settings))
    stack.up()
    try:
        return json.loads(stack._quietly("pulumi", "stack", "output", "--json", "--show-secrets"))
    finally:
        stack.destroy()


def _adapt_dns(cluster: Booted) -> None:
    """Give CoreDNS the lab's configuration: the lab's build has fewer plugins than kubeadm's Corefile names."""
    with cluster.api() as api:
        api.patch_namespaced_config_map("coredns", "kube-system", {"data": {"Corefile": dns._COREFILE}})


def _is_ready(node: Any) -> bool:
    return any(condition.type == "Ready" and condition.status == "True" for condition in node.status.conditions or ())


def _nodes(api: Any) -> list[Any]:
    return api.list_node().items


def _ready(api: Any) -> set[str]:
    return {node.metadata.name for node in _nodes(api) if _is_ready(node)}


def test_the_kubeconfig_that_pulumi_computed_is_the_administrator_s(booted: Booted) -> None:
    everything = {"spec": {"resourceAttributes": {"verb": "*", "group": "*", "resource": "*"}}}
    with booted.api() as api:
        authorization: Any = client.AuthorizationV1Api(api.api_client)
        answer = authorization.create_self_subject_access_review(everything)
    assert answer.status.allowed


def test_both_nodes_become_ready(booted: Booted) -> None:
    ids = {machine.id for machine in booted.machines.values()}
    assert booted.eventually(lambda api: _ready(api) == ids)


def test_the_worker_runs_pods_that_reach_the_api_by_its_service(booted: Booted) -> None:
    def ready_dns(api: Any) -> list[Any]:
        pods = api.list_namespaced_pod("kube-system", label_selector="k8s-app=kube-dns").items
        return [pod for pod in pods if _is_ready(pod) and pod.spec.node_name == booted.machines["worker"].id]

    assert booted.eventually(ready_dns)


ASK = """
import sys
from pathlib import Path
sys.path.insert(0, "/usr/local/lib/multimesh")
from prove_identity import Api, Instance, asked, certificate, key_and_request
endpoint, name, proof = sys.argv[1:]
document = asked(Instance(), key_and_request(name)[1])
if proof == "none":
    del document["metadata"]["annotations"]
certificate(Api(endpoint, "/etc/kubernetes/ca.crt", token=Path("/run/token").read_text()), document)
"""
"""Asks, on a worker and with its token, for the certificate of a node."""


def asks(booted: Booted, name: str, proof: str) -> str:
    worker = booted.machines["worker"]
    worker.write("/run/token", booted.made["parameters"]["/worker/token"], "0600")
    return worker.run("/usr/bin/python3", "-c", ASK, ENDPOINT, name, proof)


def test_with_the_token_a_worker_gets_a_certificate_in_its_own_name(booted: Booted) -> None:
    assert asks(booted, booted.machines["worker"].id, "its own") == ""


def test_with_the_token_nobody_gets_a_certificate_in_another_node_s_name(booted: Booted) -> None:
    control_plane = booted.machines["first"].id
    with pytest.raises(BootError, match=rf"Denied: \S+/worker/\S+ asks for a certificate of {control_plane}"):
        asks(booted, control_plane, "its own")


@pytest.mark.parametrize("name", ["first", "worker"])
def test_with_the_token_alone_nobody_gets_a_certificate(booted: Booted, name: str) -> None:
    with pytest.raises(BootError, match="Denied: must have the annotation multimesh/identity"):
        asks(booted, booted.machines[name].id, "none")


def test_the_token_opens_nothing_but_asking(booted: Booted) -> None:
    with booted.api() as api:
        tokens: Any = api.list_namespaced_secret("kube-system", field_selector="type=bootstrap.kubernetes.io/token")
    groups = [base64.b64decode(token.data["auth-extra-groups"]).decode() for token in tokens.items]
    assert groups == ["system:bootstrappers:multimesh"]
    bearer = client.Configuration(host=f"https://{booted.machines['first'].address}:6443")
    bearer.verify_ssl = False
    bearer.api_key = {"authorization": f"Bearer {booted.made['parameters']['/worker/token']}"}
    with client.ApiClient(bearer) as connected:
        core, certificates = client.CoreV1Api(connected), client.CertificatesV1Api(connected)
        for asked in (
            core.list_node,
            core.list_secret_for_all_namespaces,
            certificates.list_certificate_signing_request,
        ):
            with pytest.raises(client.ApiException) as refused:
                asked()
            assert refused.value.status == 403


SERVE = """
import base64, subprocess, sys
sys.path.insert(0, "/usr/local/lib/multimesh")
from prove_identity import Api, certificate
from signing_requests import SERVING
endpoint, name, address = sys.argv[1:]
curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null"]
names = ["-subj", f"/O=system:nodes/CN=system:node:{name}", "-addext", f"subjectAltName=DNS:{name},IP:{address}"]
made = subprocess.run(["openssl", "req", "-new", *curve, *names], check=True, capture_output=True).stdout
request = base64.b64encode(made).decode()
spec = {"request": request, "signerName": SERVING, "usages": ["digital signature", "server auth"]}
kind = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
api = Api(endpoint, "/etc/kubernetes/ca.crt", certificate="/var/lib/kubelet/pki/kubelet-client-current.pem")
certificate(api, {**kind, "metadata": {"generateName": "serving-"}, "spec": spec})
"""
"""Asks, on a worker and with its kubelet's certificate, for a serving certificate."""


def test_a_node_gets_no_serving_certificate_for_an_address_that_is_not_its_own(booted: Booted) -> None:
    worker, address = booted.machines["worker"], booted.machines["first"].address
    assert worker.run("/usr/bin/python3", "-c", SERVE, ENDPOINT, worker.id, worker.address) == ""
    with pytest.raises(BootError, match=f"Denied: not of {worker.id}: {address}"):
        worker.run("/usr/bin/python3", "-c", SERVE, ENDPOINT, worker.id, address)


@pytest.mark.parametrize("name", ["first", "worker"])
def test_a_kubelet_serves_with_a_certificate_of_the_cluster_s_ca(booted: Booted, name: str) -> None:
    authority = booted.made["parameters"]["/worker/ca.crt"]
    address = booted.machines[name].address

    def verified(_: Any) -> bool:
        context = ssl.create_default_context(cadata=authority)
        try:
            with (
                socket.create_connection((address, 10250), 5) as open,
                context.wrap_socket(open, server_hostname=address),
            ):
                return True
        except OSError:
            return False

    assert booted.eventually(verified)


def test_logs_and_commands_in_pods_go_through_a_kubelet_that_the_api_server_verified(
    booted: Booted, tmp_path: Path
) -> None:
    (tmp_path / "kubeconfig").write_text(booted.made["kubeconfig"])
    kubectl = ("kubectl", "--kubeconfig", str(tmp_path / "kubeconfig"), "--namespace", "kube-system")
    assert "CoreDNS-" in _accepted(*kubectl, "logs", "deployment/coredns")
    assert "CoreDNS-" in _accepted(*kubectl, "exec", "deployment/coredns", "--", "/usr/local/bin/coredns", "-version")


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
    found = booted.machines[name].run("find", *secret, *data, "-type", "f", "-perm", "/077", "!", "-name", "joined")
    public = {"/etc/kubernetes/audit-policy.yaml", "/etc/kubernetes/ca.crt"}
    assert {line for line in found.splitlines() if not line.endswith("/pki/kubelet.crt")} <= public
    assert booted.machines[name].run("find", *secret, *data, "!", "-user", "root") == ""
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


@pytest.mark.parametrize("role", ["first", "another", "worker"])
def test_no_secret_is_in_user_data(booted: Booted, role: str) -> None:
    for path, content in booted.made["parameters"].items():
        if not path.endswith((".crt", ".pub")):
            assert content.strip() not in booted.made[role], path


@pytest.mark.parametrize("role", ["first", "another", "worker"])
def test_cloud_init_takes_the_whole_user_data(booted: Booted, role: str) -> None:
    assert cloud_init.faults(booted.made[role]) == ""


def test_cloud_init_would_refuse_user_data_that_it_cannot_act_on() -> None:
    assert "0.permissions" in cloud_init.faults("#cloud-config\nwrite_files: [{path: /a, permissions: 420}]\n")


@pytest.mark.parametrize("role", ["first", "another", "worker"])
def test_kubeadm_takes_its_configuration_as_it_was_rendered(booted: Booted, role: str, tmp_path: Path) -> None:
    token = booted.made["parameters"]["/worker/token"]
    files = {file["path"]: file["content"] for file in yaml.safe_load(booted.made[role])["write_files"]}
    configurations = [files.get(f"/etc/multimesh/{name}.yaml") for name in ("cluster", "init", "join")]
    for text in filter(None, configurations):
        (tmp_path / "config.yaml").write_text(text.replace("TOKEN", token).replace("NODE_NAME", "i-1"))
        _accepted("kubeadm", "config", "validate", "--config", str(tmp_path / "config.yaml"))
    assert len(list(filter(None, configurations))) == {"first": 3, "another": 2, "worker": 1}[role]


def test_containerd_takes_its_configuration_as_it_was_rendered(booted: Booted, tmp_path: Path) -> None:
    files = {file["path"]: file["content"] for file in yaml.safe_load(booted.made["worker"])["write_files"]}
    (tmp_path / "config.toml").write_text(files["/etc/containerd/config.toml"])
    dumped = _accepted("containerd", "--config", str(tmp_path / "config.toml"), "config", "dump")
    assert re.search(r"SystemdCgroup = true", dumped)
    assert re.search(r"sandbox = 'registry.k8s.io/pause:", dumped)


def test_a_node_that_has_joined_is_left_alone_by_another_run(booted: Booted) -> None:
    assert booted.machines["worker"].run("/usr/local/sbin/join-cluster") == "join-cluster: done before\n"


def test_making_the_cluster_again_after_a_failure_takes_up_what_is_there(booted: Booted) -> None:
    ids = {machine.id for machine in booted.machines.values()}
    first = booted.machines["first"]
    first.run("rm", "/etc/kubernetes/joined")  # as if the last step had failed
    assert "join-cluster: making the cluster\n" in first.run("/usr/local/sbin/join-cluster")
    assert booted.eventually(lambda api: _ready(api) == ids)


def test_joining_again_after_a_failure_starts_over(booted: Booted) -> None:
    worker = booted.machines["worker"]
    worker.run("rm", "/etc/kubernetes/joined")
    with booted.api() as api:
        api.delete_node(
            worker.id
        )  # kubeadm refuses, and is tried again, until the cluster has missed the node for 40 s
    said = worker.run("/usr/local/sbin/join-cluster")
    assert "join-cluster: an earlier attempt failed half-way: resetting\n" in said
    assert booted.eventually(lambda api: worker.id in _ready(api))


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
        return {pod.spec.node_name for pod in pods if _is_ready(pod)}

    assert booted.eventually(lambda api: etcds(api) == both)
    assert booted.eventually(lambda api: _ready(api) >= both)


def test_another_worker_takes_the_place_of_one_that_was_killed(booted: Booted) -> None:
    booted.kill("worker")
    booted.join("worker", "worker")
    booted.give_pods_a_network("worker")
    assert booted.eventually(lambda api: booted.machines["worker"].id in _ready(api))


def _accepted(program: str, *arguments: str) -> str:
    """Return what one of the lab's programs prints; it must not find fault."""
    done = subprocess.run([paths.TOOLS / program, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
