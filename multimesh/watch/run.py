"""Watching a stack: a thread for each mesh, and the page."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from multimesh.contract import VerifyOutputs
from multimesh.topology.model import topology
from multimesh.watch.observer import Observer
from multimesh.watch.reading import hosts
from multimesh.watch.server import Checks, serve


def watch_stack(outputs: VerifyOutputs, checks: Checks, port: int, started: Callable[[str], None]) -> None:
    """Serve the page until it is interrupted; call `started` with its URL. Raises OSError if the port is taken."""
    picture = topology(outputs)
    observers = {
        mesh: Observer(outputs.kubeconfigs[mesh], hosts(picture), len(outputs.meshes)) for mesh in outputs.meshes
    }
    for observer in observers.values():
        observer.start()
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(
                serve(picture, lambda: {mesh: one.seen for mesh, one in observers.items()}, checks, port, started)
            )
    finally:
        for observer in observers.values():
            observer.stop()
