"""What `watch` makes of a real Envoy's counters under load, beside what the load generator sent. No Kubernetes."""

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from multimesh.watch import observer as observers
from multimesh.watch import proxies
from multimesh.watch.observer import Observer
from multimesh.watch.window import quantile
from tests.browser.test_prometheus import free_port
from tests.unit.api_server import kubeconfig

ENVOY = str(Path(sys.executable).with_name("envoy"))
SERVICE = "echo.demo.global"
EAST, WEST = (SERVICE, "east"), (SERVICE, "west")
PER_SECOND = 50


def address(port: int) -> dict[str, Any]:
    return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}


def envoy(admin: int, port: int, action: dict[str, Any], clusters: list[dict[str, Any]]) -> dict[str, Any]:
    """The configuration of an Envoy that does the same with every request."""
    filters = "type.googleapis.com/envoy.extensions.filters"
    router = {"name": "router", "typed_config": {"@type": f"{filters}.http.router.v3.Router"}}
    manager = {
        "@type": f"{filters}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test",
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, **action}]}]
        },
        "http_filters": [router],
    }
    chain = {"filters": [{"name": "manager", "typed_config": manager}]}
    listener = {**address(port), "filter_chains": [chain]}
    return {"admin": address(admin), "static_resources": {"listeners": [listener], "clusters": clusters}}


def cluster(ports: dict[str, int]) -> dict[str, Any]:
    """A service that both meshes answer: ejected after two failed connections, as multimesh's DestinationRules say."""
    endpoints = [
        {"locality": {"region": mesh}, "lb_endpoints": [{"endpoint": address(port)}], "load_balancing_weight": 1}
        for mesh, port in ports.items()
    ]
    return {
        "name": f"outbound|80||{SERVICE}",
        "alt_stat_name": f"outbound|80||{SERVICE};",
        "type": "STATIC",
        "connect_timeout": "0.5s",
        "common_lb_config": {"locality_weighted_lb_config": {}},
        "outlier_detection": {
            "split_external_local_origin_errors": True,
            "consecutive_local_origin_failure": 2,
            "interval": "1s",
            "base_ejection_time": "30s",
            "max_ejection_percent": 100,
        },
        "load_assignment": {"cluster_name": "echo", "endpoints": endpoints},
    }


class Federation:
    """A caller's Envoy, and one that answers for each mesh."""

    def __init__(self, folder: Path, cleanup: ExitStack) -> None:
        self.admin, self.port = free_port(), free_port()
        ports = {mesh: free_port() for mesh in ("east", "west")}
        self.answering = {
            mesh: self._start(
                folder / f"{mesh}.json",
                cleanup,
                envoy(free_port(), port, {"direct_response": {"status": 200, "body": {"inline_string": mesh}}}, []),
            )
            for mesh, port in ports.items()
        }
        route = {
            "cluster": f"outbound|80||{SERVICE}",
            "retry_policy": {"retry_on": "connect-failure,refused-stream,reset-before-request", "num_retries": 2},
        }
        self._start(folder / "caller.json", cleanup, envoy(self.admin, self.port, {"route": route}, [cluster(ports)]))
        self.answered = list[float]()
        """When each request was answered (monotonic clock, in seconds)."""

    def _start(self, path: Path, cleanup: ExitStack, configuration: dict[str, Any]) -> subprocess.Popen[bytes]:
        path.write_text(json.dumps(configuration))
        command = [ENVOY, "--config-path", str(path), "--use-dynamic-base-id", "--log-level", "error"]
        process = cleanup.enter_context(subprocess.Popen(command))
        cleanup.callback(process.terminate)
        return process

    async def load(self, ended: threading.Event) -> None:
        """Send 50 requests a second until it is ended."""
        start = time.monotonic()
        async with httpx.AsyncClient() as client, asyncio.TaskGroup() as group:

            async def ask() -> None:
                await client.get(f"http://127.0.0.1:{self.port}/")
                self.answered.append(time.monotonic())

            number = 0
            while not ended.is_set():
                group.create_task(ask())
                number += 1
                await asyncio.sleep(max(0.0, start + number / PER_SECOND - time.monotonic()))


class Forward:
    """What a Kubernetes port-forward is to its user."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))

    def socket(self, _: int) -> socket.socket:
        return self._socket

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    """Under load."""
    with ExitStack() as cleanup:
        started = Federation(tmp_path, cleanup)
        until(lambda: httpx.get(f"http://127.0.0.1:{started.port}/").is_success)
        ended = threading.Event()
        sender = threading.Thread(target=lambda: asyncio.run(started.load(ended)))
        sender.start()
        cleanup.callback(sender.join)
        cleanup.callback(ended.set)
        yield started


@pytest.fixture
def observer(federation: Federation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Observer]:
    """Reads the caller's Envoy, as if it were in a pod."""
    monkeypatch.setattr(observers, "find", lambda *_: ([("demo", "caller")], 0))
    monkeypatch.setattr(proxies, "portforward", lambda *_, **__: Forward(federation.admin))
    started = Observer(SecretStr(kubeconfig("http://127.0.0.1:1")), {SERVICE: SERVICE}, 1)
    started.start()
    yield started
    started.stop()
    started.join()


def until(seen: Callable[[], Any], seconds: float = 30) -> None:
    """Look until it is seen. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if seen():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise TimeoutError


def test_rates_are_within_one_percent_of_what_was_sent(federation: Federation, observer: Observer) -> None:
    shown, sent = list[float](), list[float]()
    until(lambda: observer.seen.seconds >= 10)
    for _ in range(10):
        time.sleep(1)
        look = observer.seen
        since = look.moment - look.seconds
        shown.append(sum(rate.per_second for rate in look.rates.values()))
        sent.append(sum(since < one <= look.moment for one in list(federation.answered)) / look.seconds)
    print(f"shown {sum(shown) / 10:.2f} a second, sent {sum(sent) / 10:.2f}")
    assert sum(shown) == pytest.approx(sum(sent), rel=0.01)
    look = observer.seen
    assert all(rate.failed == 0 for rate in look.rates.values())
    assert look.rates[EAST].per_second == pytest.approx(look.rates[WEST].per_second, rel=0.2)
    assert quantile(look.latencies[SERVICE], 0.99) is not None


def test_a_mesh_that_is_lost_shows_within_five_seconds(federation: Federation, observer: Observer) -> None:
    until(lambda: EAST in observer.seen.rates and observer.seen.rates[EAST].per_second > 0)
    federation.answering["east"].kill()
    began = time.monotonic()
    until(lambda: observer.seen.rates[EAST].failed)
    failing = time.monotonic() - began
    until(lambda: EAST in observer.seen.ejected)
    print(f"failures after {failing:.1f} s, ejected after {time.monotonic() - began:.1f} s")
    assert failing < 4, "the page asks once a second"
    assert WEST not in observer.seen.ejected
