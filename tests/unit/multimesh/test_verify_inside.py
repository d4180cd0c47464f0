"""Requests from a pod: the batches of the echo client, and finding a pod to run it in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from api_server import kubeconfig, serving
from pydantic import SecretStr

from multimesh.verify.answers import Answer, Failure
from multimesh.verify.inside import BATCH, InsideError, ask_from_pod, echo_pod


class Client:
    """Stands in for the echo client: answers every batch, except that batch `failing` (from 0) ends with `reason`."""

    def __init__(self, failing: int = -1, reason: str = "echo client: 1/25 requests had errors") -> None:
        self.commands: list[list[str]] = []
        self.failing, self.reason = failing, reason

    def __call__(self, command: list[str]) -> tuple[str, str]:
        self.commands.append(command)
        if len(self.commands) == self.failing + 1:
            return "", self.reason
        size = int(command[2].removeprefix("--count="))
        lines = (f"[{n}] Latency=3ms\n[{n}] StatusCode=200\n[{n} body] Cluster=east\n" for n in range(size))
        return "".join(lines), ""


def test_batches_add_up_to_the_requests() -> None:
    client = Client()
    assert ask_from_pod(client, "http://echo.demo/", 60) == [Answer("east", 3.0)] * 60
    assert [command[2] for command in client.commands] == ["--count=25", "--count=25", "--count=10"]


def test_the_client_is_given_the_url_and_time_for_the_whole_batch() -> None:
    client = Client()
    ask_from_pod(client, "http://echo.demo.global/", BATCH, timeout=4)
    assert client.commands == [
        ["/usr/local/bin/client", "http://echo.demo.global/", "--count=25", "--qps=100", "--timeout=4.25s"]
    ]


def test_a_failed_batch_fails_all_that_is_left() -> None:
    client = Client(failing=1)
    outcomes = ask_from_pod(client, "http://echo.demo/", 100)
    assert outcomes == [Answer("east", 3.0)] * 25 + [Failure("echo client: 1/25 requests had errors")] * 75
    assert len(client.commands) == 2


def test_missing_answers_are_failures() -> None:
    assert (
        ask_from_pod(Client(failing=0, reason=""), "http://echo.demo/", 2)
        == [Failure("the echo client printed 0 of 2 answers")] * 2
    )


def pod(name: str, ready: bool, deleted: bool = False) -> dict[str, Any]:
    metadata = {"name": name, **({"deletionTimestamp": "2026-11-22T18:00:00Z"} if deleted else {})}
    return {"metadata": metadata, "status": {"conditions": [{"type": "Ready", "status": str(ready)}]}}


@contextmanager
def cluster(status: int, pods: list[dict[str, Any]]) -> Iterator[SecretStr]:
    """The kubeconfig of an API server on loopback that lists `pods`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(
                json.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": pods}).encode()
            )

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Handler) as address:
        yield SecretStr(kubeconfig(f"http://{address}", {"token": "made-up"}))


def test_a_ready_pod_is_found() -> None:
    with cluster(200, [pod("echo-1", ready=False), pod("echo-2", ready=True)]) as config, echo_pod(config) as run:
        assert callable(run)


@pytest.mark.parametrize("pods", [[], [pod("echo-1", ready=False)], [pod("echo-1", ready=True, deleted=True)]])
def test_a_mesh_without_a_ready_pod_says_how_many_there_are(pods: list[dict[str, Any]]) -> None:
    message = f"none of the {len(pods)} pods app=echo in namespace demo is ready"
    with cluster(200, pods) as config, pytest.raises(InsideError, match=message), echo_pod(config):
        pass


def test_a_cluster_that_refuses_is_told_by_its_reason() -> None:
    with cluster(403, []) as config, pytest.raises(InsideError, match="does not answer: Forbidden"), echo_pod(config):
        pass


def test_a_kubeconfig_that_is_none_is_told_as_such() -> None:
    with pytest.raises(InsideError, match="kube-config"), echo_pod(SecretStr("{}")):
        pass
