"""Requests from inside a mesh: Istio's echo client, run in a pod of the sample service."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream
from kubernetes.stream.ws_client import ERROR_CHANNEL, WSClient
from pydantic import SecretStr
from urllib3.exceptions import HTTPError
from websocket import WebSocketException

from multimesh.contract import SAMPLE
from multimesh.verify.answers import Failure, Outcome, parse_client_output

BATCH, PER_SECOND = 25, 100

Run = Callable[[list[str]], tuple[str, str]]
"""Runs a command and returns its standard output and, when it failed, the reason (else an empty text)."""


class InsideError(Exception):
    """No request can be sent from inside the mesh."""


@contextmanager
def echo_pod(kubeconfig: SecretStr) -> Iterator[Run]:
    """Yield a function that runs commands in a ready pod of the sample service, in the cluster of `kubeconfig` (YAML).

    Raises InsideError when the cluster does not answer or has no such pod. The Kubernetes client needs certificates in
    files: they are in a private folder that is deleted when the context ends.
    """
    with ExitStack() as cleanup:
        private = cleanup.enter_context(tempfile.TemporaryDirectory())
        try:
            settings = yaml.safe_load(kubeconfig.get_secret_value())
            connected = cleanup.enter_context(config.new_client_from_config_dict(settings, temp_file_path=private))
            api = client.CoreV1Api(connected)
            pods = api.list_namespaced_pod(SAMPLE.namespace, label_selector=SAMPLE.selector, _request_timeout=10).items
        except (ApiException, HTTPError, config.ConfigException) as error:
            raise InsideError(f"the cluster does not answer: {getattr(error, 'reason', None) or error}") from None
        ready = [name for pod in pods if (name := _ready_name(pod))]
        if not ready:
            raise InsideError(
                f"none of the {len(pods)} pods {SAMPLE.selector} in namespace {SAMPLE.namespace} is ready"
            )
        yield lambda command: _execute(api, ready[0], command)


def ask_from_pod(run: Run, url: str, requests: int, timeout: float = 5.0) -> list[Outcome]:
    """Send `requests` GET requests to `url` by the echo client, run by `run`, and return their outcomes.

    Each request has `timeout` seconds. The client opens a connection for every request, starts one every 10 ms, so that
    they do not queue behind each other, and measures the latency itself. It prints nothing when one of its requests
    gets no response. Therefore requests are sent in batches of 25; a batch that prints nothing is counted as failed,
    and so are the requests after it, which are not sent.
    """
    outcomes: list[Outcome] = []
    while len(outcomes) < requests:
        batch = min(BATCH, requests - len(outcomes))
        limit = f"--timeout={timeout + batch / PER_SECOND:g}s"
        output, reason = run(["/usr/local/bin/client", url, f"--count={batch}", f"--qps={PER_SECOND}", limit])
        answered = parse_client_output(output)
        if reason or len(answered) != batch:
            reason = reason or f"the echo client printed {len(answered)} of {batch} answers"
            return outcomes + [Failure(reason)] * (requests - len(outcomes))
        outcomes += answered
    return outcomes


def _ready_name(pod: Any) -> str | None:
    ready = any(condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions or [])
    return pod.metadata.name if ready and pod.metadata.deletion_timestamp is None else None


def _execute(api: client.CoreV1Api, pod: str, command: list[str]) -> tuple[str, str]:
    try:
        session: WSClient = stream(
            api.connect_get_namespaced_pod_exec,
            pod,
            SAMPLE.namespace,
            container=SAMPLE.container,
            command=command,
            stdout=True,
            stderr=True,
            stdin=False,
            tty=False,
            _preload_content=False,
        )
        session.run_forever(timeout=60)
        output, log = str(session.read_stdout(timeout=0)), str(session.read_stderr(timeout=0))
        status = yaml.safe_load(session.read_channel(ERROR_CHANNEL)) or {}
        session.sock.shutdown()  # close() does nothing once the server has closed the WebSocket
    except (ApiException, WebSocketException, OSError) as error:
        return "", f"exec in pod {pod}: {getattr(error, 'reason', None) or error}"
    if status.get("status") == "Success":
        return output, ""
    said = (log.strip() or output.strip() or str(status.get("message", "did not end within 60 s"))).splitlines()[-1]
    return "", "echo client: " + said.rpartition("\t")[2].removeprefix("Error ")
