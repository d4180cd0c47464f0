"""Watching a stack: a thread for each mesh, and the page."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from multimesh.contract import VerifyOutputs
from multimesh.topology.model import topology
from multimesh.watch.observer import Observer, Seen
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
        with suppress(KeyboardInterrupt, asyncio.CancelledError):
            asyncio.run(_until_ended(serve(picture, lambda: _seen(observers), checks, port, started)))
    finally:
        for observer in observers.values():
            observer.stop()
        for observer in observers.values():
            observer.join()


async def _until_ended(serving: Coroutine[Any, Any, None]) -> None:
    """Serve until Ctrl-C or SIGTERM: both end what is open, and delete the files that hold keys meanwhile."""
    task = asyncio.ensure_future(serving)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task


def _seen(observers: Mapping[str, Observer]) -> dict[str, Seen]:
    return {mesh: observer.seen for mesh, observer in observers.items()}
