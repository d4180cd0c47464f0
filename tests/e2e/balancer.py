"""A cloud's load balancer in front of lab clusters: an address and ports elsewhere that forward to node ports.

It is a network namespace of its own, as the lab makes them for clusters, which passes on what comes to its addresses.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml
from kubernetes import client, config

from lab import allocation, cluster, network
from lab.allocation import Allocation
from lab.cluster import Cluster
from lab.processes import run

FINALIZER = "service.kubernetes.io/load-balancer-cleanup"


@dataclass
class Balancer:
    """The load balancers of a cloud; each has an address of its own in the namespace `given`."""

    given: Allocation
    addresses: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def running(cls, show: Callable[[str], None]) -> Iterator["Balancer"]:
        """A cloud without load balancers; taken away at the end."""
        given = allocation.allocate("balancer")
        try:
            network.up(given)
            balancer = cls(given)
            balancer._run("iptables", "--wait", "-t", "nat", "-A", "POSTROUTING", "-j", "MASQUERADE")
            yield balancer
        finally:
            cluster.destroy(given.id, show)

    def address(self) -> str:
        """A new address, which leads nowhere yet."""
        address = f"10.{self.given.number}.0.{10 + len(self.addresses)}"
        self.addresses.append(address)
        self._run("ip", "address", "add", f"{address}/24", "dev", "eth0")
        return address

    def forward(self, address: str, node: str, ports: dict[int, int]) -> None:
        """Let ports of an address lead to node ports, and no others: port -> node port."""
        for rule in self.forwarded(address):
            self._run("iptables", "--wait", "-t", "nat", "-D", *rule.split()[1:])
        for port, node_port in ports.items():
            match = f"PREROUTING -d {address}/32 -p tcp -m tcp --dport {port}"
            action = f"-j DNAT --to-destination {node}:{node_port}"
            self._run("iptables", "--wait", "-t", "nat", "-A", *match.split(), *action.split())

    def forwarded(self, address: str) -> list[str]:
        """The rules by which an address leads somewhere."""
        rules = self._run("iptables", "--wait", "-t", "nat", "-S", "PREROUTING").splitlines()
        return [rule for rule in rules if f" -d {address}/32 " in rule]

    @contextmanager
    def controlling(self, of: Cluster, address: str, point: dict[str, str]) -> Iterator[None]:
        """Do what a cloud does for Services of type LoadBalancer in a cluster, while the block runs.

        The gateway's gets the address, and `point` ({"ip": ...} or {"hostname": ...}) as its status. It is deleted only
        once nothing is passed on to it any more.
        """
        stop = threading.Event()
        failures: list[Exception] = []

        def control() -> None:
            with config.new_client_from_config_dict(yaml.safe_load(of.kubeconfig)) as connected:
                api: Any = client.CoreV1Api(connected)
                while not stop.wait(0.3):
                    for service in api.list_namespaced_service("istio-system").items:
                        if service.spec.type == "LoadBalancer":
                            self._serve(api, service, of.address, address, point)

        def reported() -> None:
            try:
                control()
            except Exception as failure:  # a thread's own would go unseen
                failures.append(failure)

        thread = threading.Thread(target=reported)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(30)
        assert failures == []

    def _serve(self, api: Any, service: Any, node: str, address: str, point: dict[str, str]) -> None:
        name, namespace = service.metadata.name, service.metadata.namespace
        if service.metadata.deletion_timestamp:
            self.forward(address, node, {})
            api.patch_namespaced_service(name, namespace, {"metadata": {"finalizers": None}})
            return
        served = [found.to_dict() for found in service.status.load_balancer.ingress or []]
        if any({key: found[key] for key in point} == point for found in served):
            return
        api.patch_namespaced_service(name, namespace, {"metadata": {"finalizers": [FINALIZER]}})
        self.forward(address, node, {port.port: port.node_port for port in service.spec.ports})
        api.patch_namespaced_service_status(name, namespace, {"status": {"loadBalancer": {"ingress": [point]}}})

    def _run(self, *command: str) -> str:
        return run(*network.enter(self.given.id), *command)
