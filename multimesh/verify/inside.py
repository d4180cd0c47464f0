"""Requests from inside a mesh: Istio's echo client, run in a pod of the sample service."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from pydantic import SecretStr
from urllib3.exceptions import HTTPError

from multimesh.connection import UnreachableError, connected
from multimesh.contract import SAMPLE
from multimesh.verify.answers import Failure, Outcome, parse_client_output
from multimesh.verify.echo_client import CLIENT, PER_SECOND, Run
from multimesh.verify.pod import CallingPod

BATCH = 25
_RETRIES = 3


class InsideError(Exception):
    """No request can be sent from inside the mesh."""


@contextmanager
def echo_pod(kubeconfig: SecretStr) -> Iterator[CallingPod]:
    """Yield a ready pod of the sample service, in the cluster of `kubeconfig` (YAML).

    Raises InsideError when the cluster does not answer or has no such pod.
    """
    with ExitStack() as cleanup:
        try:
            api = client.CoreV1Api(cleanup.enter_context(connected(kubeconfig, _RETRIES)))
            pods = api.list_namespaced_pod(SAMPLE.namespace, label_selector=SAMPLE.selector, _request_timeout=10).items
        except UnreachableError as error:
            raise InsideError(str(error)) from None
        except (ApiException, HTTPError) as error:
            raise InsideError(f"the cluster does not answer: {getattr(error, 'reason', None) or error}") from None
        ready = [name for pod in pods if (name := _ready_name(pod))]
        if not ready:
            raise InsideError(
                f"none of the {len(pods)} pods {SAMPLE.selector} in namespace {SAMPLE.namespace} is ready"
            )
        yield CallingPod(api, ready[0])


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
        output, reason = run([CLIENT, url, f"--count={batch}", f"--qps={PER_SECOND}", limit])
        answered = parse_client_output(output)
        if reason or len(answered) != batch:
            reason = reason or f"the echo client printed {len(answered)} of {batch} answers"
            return outcomes + [Failure(reason)] * (requests - len(outcomes))
        outcomes += answered
    return outcomes


def _ready_name(pod: Any) -> str | None:
    ready = any(condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions or [])
    return pod.metadata.name if ready and pod.metadata.deletion_timestamp is None else None
