"""Requests from a pod of a mesh: Istio's echo client, run in the sample's own pods."""

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

from multimesh.verify.answers import Failure, Outcome, parse_client_output

NAMESPACE, SELECTOR, CONTAINER = "demo", "app=echo", "app"
BATCH, PER_SECOND = 25, 100

Run = Callable[[list[str]], tuple[str, str]]
"""Runs a command and returns its standard output and, when it failed, the reason (else an empty text)."""


class InsideError(Exception):
    """No request can be sent from inside the mesh."""


@contextmanager
def echo_pod(kubeconfig: SecretStr) -> Iterator[Run]:
    """A way to run commands in a ready pod of the sample, container `app`, of the cluster of `kubeconfig` (YAML text).

    Raises InsideError when the cluster does not answer or has no such pod. The Kubernetes client needs certificates in
    files: they live in a private folder for as long as the context does.
    """
    with ExitStack() as cleanup:
        private = cleanup.enter_context(tempfile.TemporaryDirectory())
        try:
            settings = yaml.safe_load(kubeconfig.get_secret_value())
            connected = cleanup.enter_context(config.new_client_from_config_dict(settings, temp_file_path=private))
            api = client.CoreV1Api(connected)
            pods = api.list_namespaced_pod(NAMESPACE, label_selector=SELECTOR, _request_timeout=10).items
        except (ApiException, HTTPError, config.ConfigException) as error:
            raise InsideError(f"the cluster does not answer: {getattr(error, 'reason', None) or error}") from None
        ready = [name for pod in pods if (name := _ready_name(pod))]
        if not ready:
            raise InsideError(f"none of the {len(pods)} pods {SELECTOR} in namespace {NAMESPACE} is ready")
        yield lambda command: _execute(api, ready[0], command)


def ask_from_pod(run: Run, url: str, requests: int, timeout: float = 5.0) -> list[Outcome]:
    """The outcomes of `requests` GET requests to `url`, sent by the echo client through `run`; `timeout` in seconds.

    The client makes a connection per request, starts one every 10 ms so that they do not queue behind each other, and
    measures latency itself. It prints nothing at all when one of its requests gets no response: therefore they are sent
    in batches of 25, such a batch is counted as failed, and what is left after it is not sent.
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
            NAMESPACE,
            container=CONTAINER,
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
        session.sock.shutdown()  # close() does nothing once the server has said goodbye
    except (ApiException, WebSocketException, OSError) as error:
        return "", f"exec in pod {pod}: {getattr(error, 'reason', None) or error}"
    if status.get("status") == "Success":
        return output, ""
    said = (log.strip() or output.strip() or str(status.get("message", "did not end within 60 s"))).splitlines()[-1]
    return "", "echo client: " + said.rpartition("\t")[2].removeprefix("Error ")
