"""A steady load of requests through one ingress, every one of which is counted."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from multimesh.verify.answers import Answer, Failure, Outcome
from multimesh.verify.ingress import ask_once, new_client

PER_SECOND = 50
TIMEOUT = 5.0  # seconds per request
AT_MOST = 180  # seconds


@dataclass(frozen=True)
class Request:
    """A request: when it was sent and when it was over (seconds on the monotonic clock), and what became of it."""

    sent: float
    over: float
    outcome: Outcome


@dataclass
class Load:
    """The requests so far, in the order in which they were over."""

    requests: list[Request] = field(default_factory=list)

    def failures(self, since: float = 0, until: float = float("inf")) -> list[Request]:
        """The requests sent in the time from `since` to `until` that failed."""
        return [r for r in self.requests if since <= r.sent < until and isinstance(r.outcome, Failure)]

    def reasons(self) -> dict[str, int]:
        """How often requests failed, by reason."""
        return dict(Counter(r.outcome.reason for r in self.requests if isinstance(r.outcome, Failure)))

    def answered_by(self, since: float) -> Counter[str]:
        """How many of the requests sent after `since` each mesh answered."""
        return Counter(r.outcome.mesh for r in self.requests if r.sent >= since and isinstance(r.outcome, Answer))

    def seconds_until_both_answer(self, since: float, seconds: float) -> float:
        """Wait until two meshes have answered a tenth each of the latest second's; return the seconds since `since`.

        Raises TimeoutError after `seconds`.
        """
        latest = Counter[str]()
        while (passed := time.monotonic() - since) < seconds:
            latest = self.answered_by(max(since, time.monotonic() - 1))
            if len(latest) > 1 and min(latest.values()) >= PER_SECOND // 10:
                return passed
            time.sleep(0.2)
        raise TimeoutError(f"after {seconds:g} s of both meshes only these answer: {latest}")


@contextmanager
def load(url: str) -> Iterator[Load]:
    """A load of 50 requests per second to `url`, for as long as the context lasts but not longer than 3 minutes."""
    so_far, stop = Load(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_send(url, so_far, stop)))
    thread.start()
    try:
        time.sleep(2)  # so that it is steady, and both sides are connected
        yield so_far
    finally:
        stop.set()
        thread.join(TIMEOUT + 10)


async def _send(url: str, load: Load, stop: threading.Event) -> None:
    async def ask() -> None:
        sent = time.monotonic()
        outcome = await ask_once(client, url, TIMEOUT)
        load.requests.append(Request(sent, time.monotonic(), outcome))

    start = time.monotonic()
    async with new_client() as client, asyncio.TaskGroup() as under_way:
        for number in range(PER_SECOND * AT_MOST):
            if stop.is_set():
                break
            under_way.create_task(ask())
            await asyncio.sleep(max(0, start + (number + 1) / PER_SECOND - time.monotonic()))
