"""Requests by Istio's echo client, and which mesh answered them."""

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.shop.kubectl import Kubectl, Pod

REQUESTS = 20
OUTSIDE, INSIDE = Pod("demo", "echo"), Pod("shop", "app")
"""Callers: one in another namespace than what it calls, one in the same."""


@dataclass(frozen=True)
class Echoes:
    """What the client printed; nothing but the reason when one of its requests got no answer."""

    text: str

    def values(self, field: str) -> list[str]:
        """Return the values of a field that the server, or the client, printed of each answer."""
        return re.findall(rf"^\[\d+(?: body)?\] {field}=(\S+)", self.text, re.MULTILINE)

    @property
    def meshes(self) -> Counter[str]:
        """How many requests each mesh answered."""
        return Counter(self.values("Cluster"))


def ask(kubectl: Kubectl, url: str, *options: str, caller: Pod = OUTSIDE, requests: int = REQUESTS) -> Echoes:
    """Send requests from a pod, 50 per second."""
    limits = [f"--count={requests}", "--qps=50", "--timeout=10s"]
    return Echoes(kubectl.run(caller, "/usr/local/bin/client", url, *limits, *options).text)


def ask_until(right: Callable[[Echoes], bool], ask: Callable[[], Echoes], seconds: float = 30) -> Echoes:
    """Ask again until the answers are right or the time is over; return the last. Sidecars learn of changes late."""
    deadline = time.monotonic() + seconds
    while not right(echoes := ask()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return echoes


def by_both(echoes: Echoes) -> bool:
    """Whether both meshes answered, and every request was answered."""
    return set(echoes.meshes) == {"east", "west"} and echoes.meshes.total() == REQUESTS
