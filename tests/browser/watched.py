"""A page of `multimesh watch` whose meshes are made up, served by the real server."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import Queue

from multimesh.contract import VerifyOutputs
from multimesh.topology.model import Topology, topology
from multimesh.watch.observer import Seen
from multimesh.watch.reading import Pair
from multimesh.watch.server import serve
from multimesh.watch.window import Rate

CHECKED = """{"passed": false, "checks": [{"check": "a", "category": "Trust", "title": "roots agree", "problems": [
{"severity": "failed", "where": "mesh-01", "cause": "another root <b>x</b>", "remedy": "restore it"}]}]}"""


def busy(picture: Topology, ejected: Mapping[Pair, int] | None = None) -> dict[str, Seen]:
    """Every mesh calls every service."""
    rates = {
        (service.name, mesh): Rate(100 * share, 3 if (service.name, mesh) in (ejected or {}) else 0)
        for service in picture.services
        for mesh, share in service.shares.items()
    }
    latencies = {service.name: {1.05: 90, 12.5: 10} for service in picture.services}
    return {
        mesh.name: Seen(time.monotonic() + 3600, "", 5, 0, 0, rates, ejected or {}, latencies)
        for mesh in picture.meshes
    }


@contextmanager
def served(stack: VerifyOutputs, seen: Mapping[str, Seen]) -> Iterator[str]:
    """Serve the page; yield its URL."""
    urls = Queue[str]()
    loop = asyncio.new_event_loop()
    task = loop.create_task(serve(topology(stack), lambda: seen, lambda: CHECKED, 0, urls.put))

    def run() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        finally:
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield urls.get(timeout=10)
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
