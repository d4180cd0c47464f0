"""The calling pod, where the cluster refuses what verify needs."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from kubernetes import client

from multimesh.verify.counters import CountersError
from multimesh.verify.pod import CallingPod


@pytest.fixture
def pod() -> Iterator[CallingPod]:
    """A pod of a cluster whose API server refuses everything."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(403)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    configuration = client.Configuration(host=f"http://127.0.0.1:{server.server_port}")
    with client.ApiClient(configuration) as connected:
        yield CallingPod(client.CoreV1Api(connected), "echo-1")
    server.shutdown()
    server.server_close()


def test_a_port_forward_that_is_refused_says_what_was_refused(pod: CallingPod) -> None:
    with pytest.raises(CountersError) as refused:
        pod.counters()
    assert str(refused.value) == "port-forward to pod echo-1, port 15000: Handshake status 403 Forbidden"


def test_a_command_that_is_refused_has_no_output(pod: CallingPod) -> None:
    assert pod(["true"]) == ("", "exec in pod echo-1: Handshake status 403 Forbidden")


def test_commands_that_are_refused_are_as_many_as_were_given(pod: CallingPod) -> None:
    assert len(pod.together([["true"], ["false"]])) == 2
