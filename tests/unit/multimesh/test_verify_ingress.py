"""Requests to an ingress: a real HTTP server on loopback, with faults."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest

from multimesh.verify.answers import Answer, Failure
from multimesh.verify.ingress import AT_A_TIME, ask_ingress

Respond = Callable[[int], tuple[int, str]]


@contextmanager
def ingress(respond: Respond) -> Iterator[str]:
    """The URL of a server that answers its n-th request (from 0) with what `respond` returns: status and body."""
    numbers = count()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = respond(next(numbers))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def meshes_of(outcomes: list[Answer | Failure]) -> list[str]:
    return [outcome.mesh for outcome in outcomes if isinstance(outcome, Answer)]


def reasons_of(outcomes: list[Answer | Failure]) -> list[str]:
    return [outcome.reason for outcome in outcomes if isinstance(outcome, Failure)]


def test_every_request_is_counted_for_the_mesh_that_answered() -> None:
    with ingress(lambda n: (200, f"Hostname=echo-{n}\nCluster={'east' if n % 4 else 'west'}\n")) as url:
        meshes = meshes_of(ask_ingress(url, 20))
    assert (meshes.count("east"), meshes.count("west")) == (15, 5)


def test_latency_is_the_time_until_the_answer() -> None:
    def slowly(_: int) -> tuple[int, str]:
        time.sleep(0.05)
        return 200, "Cluster=east\n"

    with ingress(slowly) as url:
        [answer] = ask_ingress(url, 1)
    assert isinstance(answer, Answer)
    assert answer.milliseconds >= 50


def test_a_503_is_a_failure_among_answers() -> None:
    with ingress(lambda n: (503, "no healthy upstream") if n == 3 else (200, "Cluster=east\n")) as url:
        outcomes = ask_ingress(url, 12)
    assert (reasons_of(outcomes), len(meshes_of(outcomes))) == (["503 Service Unavailable"], 11)


def test_a_request_that_takes_too_long_is_a_failure() -> None:
    released = threading.Event()

    def hang(_: int) -> tuple[int, str]:
        released.wait(5)
        return 200, "Cluster=east\n"

    with ingress(hang) as url:
        outcomes = ask_ingress(url, 1, timeout=0.05)
        released.set()
    assert outcomes == [Failure("no answer within 0.05 s")]


def test_a_closed_port_is_told_as_such() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        [outcome] = ask_ingress(f"http://127.0.0.1:{port}/", 1)
    assert isinstance(outcome, Failure)
    assert "connection" in outcome.reason.lower()


def test_an_ingress_that_only_fails_is_given_up() -> None:
    asked = 0

    def fail(n: int) -> tuple[int, str]:
        nonlocal asked
        asked = max(asked, n + 1)
        return 503, ""

    with ingress(fail) as url:
        outcomes = ask_ingress(url, 1000)
    assert len(outcomes) == 1000
    assert asked < 10 + AT_A_TIME


@pytest.mark.parametrize("requests", [1, 2, 5, 13])
def test_as_many_requests_are_sent_as_were_asked_for(requests: int) -> None:
    with ingress(lambda _: (200, "Cluster=east\n")) as url:
        assert len(ask_ingress(url, requests)) == requests


def test_every_request_has_a_connection_of_its_own() -> None:
    with ingress(lambda _: (200, "Cluster=east\n")) as url, pytest.MonkeyPatch.context() as patch:
        connections = 0
        accept = socket.socket.accept

        def counting(self: socket.socket) -> tuple[socket.socket, object]:
            nonlocal connections
            connections += 1
            return accept(self)

        patch.setattr(socket.socket, "accept", counting)
        ask_ingress(url, 6)
    assert connections == 6


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with ingress(lambda _: (200, "Cluster=east\n")) as url:
        assert meshes_of(ask_ingress(url, 1)) == ["east"]
