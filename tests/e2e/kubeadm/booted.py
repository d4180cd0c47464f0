"""Machines that boot the user data of a cluster's nodes, together the cluster."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client
from kubernetes import config as kubernetes_config

from components.clusters.kubeadm.user_data import WANTED_VERSION
from lab import config, dns, paths
from lab.environment import CHECKOUT
from lab.processes import run
from lab.stack import Stack
from tests.aws import role_arn
from tests.e2e import machine as view
from tests.e2e.kubeadm import images
from tests.e2e.kubeadm.api_balancer import ApiBalancer
from tests.e2e.kubeadm.machine import Machine

ENDPOINT = "api.kubeadm.test"


@dataclass
class Booted:
    """The machines by name, what Pulumi made for them, and the API as the computed kubeconfig opens it."""

    show: Callable[[str], None]
    addresses: Path
    """The file of all instances' addresses, as EC2 knows them. Beside it are those of the roles' parameters."""
    made: dict[str, Any] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    """Of all machines, those that are gone too."""
    balancer: ApiBalancer | None = None
    """What DNS answers for the endpoint; without it, the first machine."""

    @classmethod
    @contextmanager
    def up(cls, folder: Path, show: Callable[[str], None], balancer: ApiBalancer | None = None) -> Iterator["Booted"]:
        """Boot a control-plane node and a worker; nothing is left at the end, whatever happens."""
        before = view.snapshot()
        cluster = cls(show, folder / "addresses.json", balancer=balancer)
        try:
            cluster.made = made(folder, cluster.machine("first"), show)
            cluster.boot("first", "first", {})
            adapt_dns(cluster)
            cluster.join("worker", "worker")
            cluster.give_pods_a_network("worker")
            cluster.eventually(lambda api: cluster.machines["worker"].id in ready(api))
            cluster.give_pods_a_network("first")  # later, so that pods are on the worker
            yield cluster
        finally:
            for name in list(cluster.machines):
                cluster.kill(name)
        assert [line for line in view.left_since(before) if any(id in line for id in cluster.ids)] == []

    def machine(self, name: str) -> Machine:
        """Make a machine that has not booted."""
        self.machines[name] = Machine(name, self.show)
        self.ids.append(self.machines[name].id)
        self.addresses.write_text(json.dumps({machine.id: machine.address for machine in self.machines.values()}))
        return self.machines[name]

    def boot(self, name: str, role: str, hosts: dict[str, str]) -> None:
        """Boot a machine with the user data of a role; it sees the parameters of its own path alone."""
        own = "worker" if role == "worker" else "control-plane"
        if self.balancer and role != "worker":
            self.balancer.add(self.machines[name].address)
        aws = {"role": own, "parameters": str(self._store(own)), "addresses": str(self.addresses)}
        self.machines[name].boot(self.made[role], aws, images.template(), hosts)

    def want(self, version: str) -> None:
        """Name the version of Kubernetes that control-plane nodes look for every minute."""
        self.made["parameters"][f"/control-plane/{WANTED_VERSION}"] = version
        self._store("control-plane")

    def _store(self, role: str) -> Path:
        """Write what Parameter Store has below the path of a role, and return the file."""
        stored = self.addresses.with_name(f"{role}.json")
        stored.touch(mode=0o600)
        own = {path: text for path, text in self.made["parameters"].items() if path.startswith(f"/{role}/")}
        stored.write_text(json.dumps(own))
        return stored

    def join(self, name: str, role: str) -> None:
        """Make and boot a machine that joins."""
        self.machine(name)
        self.boot(name, role, {ENDPOINT: (self.balancer or self.machines["first"]).address})

    def kill(self, name: str) -> None:
        """Take a machine away without a word to the cluster."""
        self.machines.pop(name).destroy()

    def give_pods_a_network(self, name: str) -> None:
        """Do what a CNI does: write its file with the node's pod CIDR, and route that to the node."""
        machine = self.machines[name]
        cidr = self.eventually(  # a node registers a moment after kubeadm is done
            lambda api: next((node.spec.pod_cidr for node in nodes(api) if node.metadata.name == machine.id), None)
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


def made(folder: Path, first: Machine, show: Callable[[str], None]) -> dict[str, Any]:
    """Run the program with the real engine, and return its outputs."""
    stack = Stack(folder, show, "kubeadm")
    stack.run_instead(CHECKOUT / "tests/e2e/kubeadm/program.py")
    settings = {
        "kubeadm:endpoint": ENDPOINT,
        "kubeadm:address": first.address,
        "kubeadm:worker_role": role_arn("worker"),
        "kubeadm:pod_cidr": first.given.pod_cidr,
        "kubeadm:service_cidr": first.given.service_cidr,
        "kubeadm:kubernetes_version": images.FROM.removeprefix("v"),
    }
    stack.configure(lambda config: config.update(settings))
    stack.up()
    try:
        return json.loads(stack._quietly("pulumi", "stack", "output", "--json", "--show-secrets"))
    finally:
        stack.destroy()


def adapt_dns(cluster: Booted) -> None:
    """Give CoreDNS the lab's configuration: the lab's build has fewer plugins than kubeadm's Corefile names.

    As in kubeadm's, a pod that ends answers for 5 s more, until every node has learned that it ends.
    """
    corefile = dns._COREFILE.replace("health\n", "health {\n        lameduck 5s\n    }\n")
    with cluster.api() as api:
        api.patch_namespaced_config_map("coredns", "kube-system", {"data": {"Corefile": corefile}})


def is_ready(node: Any) -> bool:
    return any(condition.type == "Ready" and condition.status == "True" for condition in node.status.conditions or ())


def nodes(api: Any) -> list[Any]:
    return api.list_node().items


def ready(api: Any) -> set[str]:
    return {node.metadata.name for node in nodes(api) if is_ready(node)}


def accepted(program: str, *arguments: str) -> str:
    """Return what one of the lab's programs prints; it must not find fault."""
    done = subprocess.run([paths.TOOLS / program, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
