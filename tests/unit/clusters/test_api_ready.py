"""Waiting for a cluster that sets itself up: until it serves its administrator, and no longer than it may take."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml
from pulumi.dynamic.dynamic import serialize_provider

from components.clusters import api_ready

READY = [("/readyz", 200), ("/api/v1/namespaces/kube-system", 200)]


class Api(ThreadingHTTPServer):
    """Gives the answers that it was given, each for the path that it expects; then the last one for ever."""

    daemon_threads = True

    def __init__(self, answers: list[tuple[str, int]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.asked: list[str] = []

    @property
    def kubeconfig(self) -> str:
        return kubeconfig(self.server_port)


class _Handler(BaseHTTPRequestHandler):
    server: Api  # type: ignore[assignment] the only kind of server that has this handler

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        path, status = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        body = b"{}" if self.path == path else b"unexpected"
        self.send_response(status if self.path == path else 418)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def answering(*answers: tuple[str, int]) -> Iterator[Api]:
    with Api([*answers]) as api:
        threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield api
        api.shutdown()


def kubeconfig(port: int) -> str:
    return yaml.safe_dump(
        {
            "kind": "Config",
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
        }
    )


def test_ready_is_an_api_that_says_so_and_serves_its_administrator() -> None:
    with answering(*READY) as api:
        assert api_ready.fault(api.kubeconfig) is None
        assert api.asked == [path for path, _ in READY]


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ([("/readyz", 500)], "/readyz: 500 Internal Server Error"),
        ([("/readyz", 200), ("/api/v1/namespaces/kube-system", 403)], "403 Forbidden"),
    ],
)
def test_what_is_not_ready_says_why(answers: list[tuple[str, int]], fault: str) -> None:
    with answering(*answers) as api:
        assert api_ready.fault(api.kubeconfig) == fault


def test_it_waits_until_the_api_is_ready_and_says_so() -> None:
    said: list[str] = []
    with answering(("/readyz", 500), ("/readyz", 500), *READY) as api:
        api_ready.wait(api.kubeconfig, "look there", said.append, limit=20, pause=0)
        server = f"http://127.0.0.1:{api.server_port}"
    assert said[0] == f"waiting for {server}, 0 s: /readyz: 500 Internal Server Error"
    assert said[-1].startswith(f"{server} is ready, after ")
    assert len(said) == 2, "not a line for each question"


def test_it_does_not_wait_for_ever_and_says_where_to_look() -> None:
    with answering(("/readyz", 500)) as api, pytest.raises(api_ready.NotReadyError) as error:
        api_ready.wait(api.kubeconfig, "Look there.", lambda _line: None, limit=0, pause=0)
    assert str(error.value).endswith(
        "was not ready after 0 minutes; last: /readyz: 500 Internal Server Error. Look there."
    )


def test_nobody_there_is_a_reason_to_wait() -> None:
    with answering(*READY) as api:
        nobody = api.server_port
    assert "refused" in (api_ready.fault(kubeconfig(nobody), timeout=2) or "")


@pytest.mark.parametrize(
    ("change", "again"),
    [({}, False), ({"look_at": "elsewhere"}, False), ({"made_of": ["i-2"]}, True), ({"kubeconfig": "another"}, True)],
)
def test_other_machines_are_waited_for_again(change: dict[str, Any], again: bool) -> None:
    olds = {"kubeconfig": "k", "made_of": ["i-1"], "look_at": "there"}
    assert api_ready.ApiReadyProvider().diff("east", olds, olds | change).changes is again


def test_the_stored_provider_is_a_reference_and_no_code() -> None:
    stored = base64.b64decode(serialize_provider(api_ready.ApiReadyProvider()))
    assert len(stored) < 200
    assert b"components.clusters.api_ready" in stored
