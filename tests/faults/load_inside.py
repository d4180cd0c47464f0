"""A steady load of new requests or connections from inside a pod, every one of which is counted."""

import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from multimesh.verify.answers import Answer, Failure
from tests.e2e.shop.kubectl import Kubectl
from tests.e2e.shop.programs import CLIENT
from tests.faults.load import Load, Request

SENDER = Path(__file__).with_name("sender.py")


@dataclass(frozen=True)
class Target:
    """What is asked."""

    protocol: str
    host: str
    port: int
    per_second: int


@dataclass(frozen=True)
class Loads:
    """Loads at once, by protocol."""

    by_protocol: Mapping[str, Load]

    def until_both_answer(self, since: float, seconds: float = 120) -> dict[str, float]:
        """Wait until both meshes answer a tenth of each load; return the seconds since `since`.

        Raises TimeoutError after `seconds`.
        """
        return {protocol: _until_both(protocol, load, since, seconds) for protocol, load in self.by_protocol.items()}

    def until_west_alone(self, since: float) -> dict[str, float]:
        """Return when the last request was over that east answered or that failed, in seconds since `since`."""
        return {
            protocol: max([0.0, *(request.over - since for request in load.requests if _ended(request) != "west")])
            for protocol, load in self.by_protocol.items()
        }

    def latest(self, seconds: float) -> dict[str, set[str]]:
        """Return how requests of the latest seconds ended: the meshes that answered, and `failed`."""
        return {protocol: set(_latest(load, seconds)) for protocol, load in self.by_protocol.items()}

    def forget(self) -> None:
        """Count from now on."""
        for load in self.by_protocol.values():
            load.requests.clear()


@contextmanager
def loads_inside(kubectl: Kubectl, targets: Sequence[Target]) -> Iterator[Loads]:
    """Loads on all targets at once, which both meshes answer."""
    with ExitStack() as stack:
        loads = Loads({target.protocol: stack.enter_context(load_inside(kubectl, target)) for target in targets})
        loads.until_both_answer(time.monotonic(), 60)
        time.sleep(3)
        loads.forget()
        time.sleep(2)
        yield loads


@contextmanager
def load_inside(kubectl: Kubectl, target: Target) -> Iterator[Load]:
    """A load on the target from the pod with clients, for as long as the context lasts but not longer than 3 minutes.

    Pods read the same monotonic clock as this process: it is the kernel's.
    """
    arguments = [target.protocol, target.host, str(target.port), str(target.per_second)]
    command = kubectl.in_pod(CLIENT, "python3", "-c", SENDER.read_text(), *arguments)
    so_far = Load()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        reader = threading.Thread(target=_read, args=(process, so_far))
        reader.start()
        try:
            deadline = time.monotonic() + 20
            while not so_far.requests and time.monotonic() < deadline:
                time.sleep(0.1)
            yield so_far
        finally:
            assert process.stdin
            process.stdin.close()
            reader.join(20)
            process.kill()
            reader.join(5)


def _read(process: subprocess.Popen[str], load: Load) -> None:
    for line in process.stdout or ():
        seen = json.loads(line)
        outcome = Answer(seen["mesh"], 0) if "mesh" in seen else Failure(seen["failed"])
        load.requests.append(Request(seen["sent"], seen["over"], outcome))


def _ended(request: Request) -> str:
    return request.outcome.mesh if isinstance(request.outcome, Answer) else "failed"


def _latest(load: Load, seconds: float) -> Counter[str]:
    since = time.monotonic() - seconds
    return Counter(_ended(request) for request in list(load.requests) if request.sent > since)


def _until_both(protocol: str, load: Load, since: float, seconds: float) -> float:
    latest = Counter[str]()
    while (passed := time.monotonic() - since) < seconds:
        latest = _latest(load, 2)
        if min(latest["east"], latest["west"]) * 10 > latest.total():
            return passed
        time.sleep(0.2)
    raise TimeoutError(f"{protocol}: after {seconds:g} s of both meshes only these answer: {latest}")
