"""Reads the counters of one mesh's proxies once a second, in a thread of its own."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

from kubernetes import client
from pydantic import SecretStr

from multimesh.connection import UnreachableError, connected
from multimesh.verify.counters import CountersError
from multimesh.watch.proxies import Proxy, SilentError, find
from multimesh.watch.reading import LATENCY, Pair, Reading, clusters_path, read
from multimesh.watch.window import Rate, Window

_PERIOD, _LIST_PERIOD = 1.0, 10.0
_AT_ONCE = 16
_MOST_PROXIES = 240
"""Of all meshes together: each port-forward has three open files, and the Kubernetes client can wait for 1024."""
_LEAST_PROXIES = 4
"""Of each mesh."""


@dataclass(frozen=True)
class Seen:
    """What was seen last of a mesh."""

    moment: float = 0.0
    """When (monotonic clock, in seconds)."""
    trouble: str = ""
    """Why nothing is seen; empty if something is."""
    proxies: int = 0
    """How many were read."""
    silent: int = 0
    """How many did not answer."""
    left_out: int = 0
    """How many more there are, which are not asked."""
    rates: Mapping[Pair, Rate] = field(default_factory=dict)
    ejected: Mapping[Pair, int] = field(default_factory=dict)
    latencies: Mapping[str, Mapping[float, int]] = field(default_factory=dict)
    seconds: float = 0.0
    """Over how many seconds the rates are, until the moment."""


class Observer:
    """Reads a mesh from `start()` until `stop()`; `seen` is its last result."""

    def __init__(self, kubeconfig: SecretStr, services: Mapping[str, str], meshes: int) -> None:
        self.seen = Seen(trouble="not read yet")
        self._kubeconfig, self._services = kubeconfig, services
        self._path = clusters_path(services)
        self._at_most = max(_LEAST_PROXIES, _MOST_PROXIES // meshes)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End after the reading under way."""
        self._stopped.set()

    def join(self) -> None:
        """Wait until it has ended, at most 10 s."""
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with connected(self._kubeconfig) as api:
                    self._follow(client.CoreV1Api(api))
            except (UnreachableError, SilentError) as error:
                self.seen = Seen(time.monotonic(), str(error))
                self._stopped.wait(_PERIOD)

    def _follow(self, api: client.CoreV1Api) -> None:
        """Read until the end. Raises SilentError."""
        window, proxies = Window(), dict[tuple[str, str], Proxy]()
        listed, left_out = float("-inf"), 0
        with ExitStack() as cleanup:
            pool = cleanup.enter_context(ThreadPoolExecutor(_AT_ONCE))
            cleanup.callback(lambda: [proxy.close() for proxy in proxies.values()])
            while not self._stopped.is_set():
                moment = time.monotonic()
                if moment - listed > _LIST_PERIOD:
                    found, left_out = find(api, self._at_most)
                    listed = moment
                    for gone in proxies.keys() - set(found):
                        proxies.pop(gone).close()
                        window.forget({"/".join(gone)})
                    proxies |= {pod: Proxy(api.api_client.configuration, *pod) for pod in found if pod not in proxies}
                asked = time.monotonic()
                answers = dict(zip(map("/".join, proxies), pool.map(self._read, proxies.values()), strict=True))
                moment = (asked + time.monotonic()) / 2
                readings = {name: answer for name, answer in answers.items() if isinstance(answer, Reading)}
                errors = [answer for answer in answers.values() if isinstance(answer, CountersError)]
                window.add(moment, readings)
                self.seen = Seen(
                    moment,
                    _trouble(len(readings), errors),
                    len(readings),
                    len(errors),
                    left_out,
                    window.rates(),
                    window.ejected,
                    window.latencies(),
                    window.seconds,
                )
                if errors and not readings:
                    listed = float("-inf")  # perhaps the pods are others by now, or the API server is gone
                self._stopped.wait(max(0.0, asked + _PERIOD - time.monotonic()))

    def _read(self, proxy: Proxy) -> Reading | CountersError:
        try:
            return read(proxy.get(self._path), proxy.get(LATENCY), self._services)
        except CountersError as error:
            return error


def _trouble(read: int, errors: list[CountersError]) -> str:
    if read:
        return ""
    return str(errors[0]) if errors else "no pod has a proxy"
