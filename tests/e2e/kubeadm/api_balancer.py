"""The load balancer before the API servers of booted machines: a network of its own that passes connections on.

As components/clusters/ec2/load_balancer.py asks AWS for it: each connection to one of the healthy targets; a target is
asked by TCP every 10 s, and changes after two answers of another kind.
"""

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from components.clusters.kubeadm.configuration import API_PORT
from lab import allocation, cluster, network
from lab.allocation import Allocation
from lab.processes import run

INTERVAL, THRESHOLD = 10, 2


@dataclass
class ApiBalancer:
    """The targets by address, each with the last answers to the health check."""

    given: Allocation
    targets: dict[str, list[bool]] = field(default_factory=dict)
    healthy: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.given.address

    @classmethod
    @contextlib.contextmanager
    def running(cls, show: Callable[[str], None]) -> Iterator["ApiBalancer"]:
        """A load balancer without targets; taken away at the end."""
        given = allocation.allocate("api-balancer")
        stop = threading.Event()
        try:
            network.up(given)
            balancer = cls(given)
            balancer._iptables("-A", "POSTROUTING", "-j", "MASQUERADE")
            thread = threading.Thread(target=balancer._watch, args=(stop,))
            thread.start()
            try:
                yield balancer
            finally:
                stop.set()
                thread.join()
        finally:
            cluster.destroy(given.id, show)

    def add(self, target: str) -> None:
        """Pass connections to another API server as soon as it answers."""
        self.targets[target] = []

    def _watch(self, stop: threading.Event) -> None:
        while not stop.is_set():
            for target, answers in list(self.targets.items()):
                answers.append(answers_at(target))
            self._lead([target for target in self.targets if self._is_healthy(target)])
            stop.wait(INTERVAL if self.healthy else 1)

    def _is_healthy(self, target: str) -> bool:
        """Return whether a target is to get connections; the first answer of a new one counts at once."""
        last = self.targets[target][-THRESHOLD:]
        return last[-1] if len(set(last)) == 1 else target in self.healthy

    def _lead(self, targets: list[str]) -> None:
        """Let new connections go to these targets in turn."""
        if targets == self.healthy:
            return
        rules = self._iptables("-S", "PREROUTING").count("-A PREROUTING")
        for number, target in enumerate(targets):
            turn = ["-m", "statistic", "--mode", "nth", "--every", str(len(targets) - number), "--packet", "0"]
            to = ["-j", "DNAT", "--to-destination", f"{target}:{API_PORT}"]
            self._iptables("-A", "PREROUTING", "-p", "tcp", "--dport", str(API_PORT), *turn, *to)
        for _ in itertools.repeat(None, rules):
            self._iptables("-D", "PREROUTING", "1")
        self.healthy = targets

    def _iptables(self, *arguments: str) -> str:
        return run(*network.enter(self.given.id), "iptables", "--wait", "-t", "nat", *arguments)


def answers_at(target: str) -> bool:
    """Return whether somebody listens at the port of the API."""
    try:
        with socket.create_connection((target, API_PORT), timeout=5):
            return True
    except OSError:
        return False
