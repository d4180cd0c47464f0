"""The proxies of a mesh that send requests: its gateway, and every pod with a sidecar."""

from collections.abc import Iterable, Iterator, Mapping
from http.client import OK, HTTPConnection, HTTPException
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.stream.ws_client import PortForward
from urllib3.exceptions import HTTPError
from websocket import WebSocketException

from multimesh import sidecar
from multimesh.injection import PROXY
from multimesh.verify.counters import CountersError

_INJECTED = "service.istio.io/canonical-name"
"""A label that Istio gives every pod into which it puts a proxy."""
_SECONDS = 3.0
_ERRORS = (ApiException, HTTPError, WebSocketException, HTTPException, OSError)


class SilentError(Exception):
    """A cluster's API server does not answer, or refuses; the message says why."""


def find(api: client.CoreV1Api, at_most: int) -> tuple[list[tuple[str, str]], int]:
    """Return the namespace and name of the running pods that have a proxy, and how many more there are.

    Gateways come first; then no namespace before another has as many. Raises SilentError.
    """
    try:
        pods = api.list_pod_for_all_namespaces(
            label_selector=_INJECTED, field_selector="status.phase=Running", _request_timeout=_SECONDS
        ).items
    except _ERRORS as error:
        raise SilentError(f"its API server does not answer: {brief(error)}") from None
    found = list(_in_turns(pod for pod in pods if _has_proxy(pod)))
    return found[:at_most], max(0, len(found) - at_most)


def _has_proxy(pod: Any) -> bool:
    return pod.metadata.deletion_timestamp is None and bool(sidecar.containers(pod))


def _in_turns(pods: Iterable[Any]) -> Iterator[tuple[str, str]]:
    turns: dict[str, int] = {}
    ranked = list[tuple[bool, int, str, str]]()
    for pod in sorted(pods, key=lambda pod: (pod.metadata.namespace, pod.metadata.name)):
        namespace = pod.metadata.namespace
        turns[namespace] = turns.get(namespace, 0) + 1
        alone = len(pod.spec.containers) == 1 and pod.spec.containers[0].name == PROXY
        ranked.append((not alone, turns[namespace], namespace, pod.metadata.name))
    yield from ((namespace, name) for _, _, namespace, name in sorted(ranked))


class Proxy:
    """The administration interface of one pod's Envoy, over a Kubernetes port-forward that stays open."""

    def __init__(self, settings: client.Configuration, namespace: str, name: str) -> None:
        self._settings, self._namespace, self._name = settings, namespace, name
        self._forward: PortForward | None = None
        self._connection: HTTPConnection | None = None

    def get(self, path: str) -> str:
        """Return an answer. Raises CountersError when there is none within 3 s; the next call connects anew."""
        try:
            connection = self._connection or self._connect()
            connection.request("GET", path)
            response = connection.getresponse()
            status, text = response.status, response.read().decode()
        except (*_ERRORS, ValueError) as error:
            self.close()
            raise CountersError(f"pod {self._namespace}/{self._name}: {brief(error)}") from None
        if status != OK:
            raise CountersError(f"the proxy of pod {self._namespace}/{self._name} answered {status}")
        return text

    def close(self) -> None:
        """End the port-forward."""
        forward, self._forward, self._connection = self._forward, None, None
        if forward:
            forward.close()

    def _connect(self) -> HTTPConnection:
        # A port-forward changes its client while it begins: so each proxy, in a thread of its own, has one for itself.
        with client.ApiClient(self._settings) as api:
            forward, connection = sidecar.administration(client.CoreV1Api(api), self._namespace, self._name, _SECONDS)
        self._forward, self._connection = forward, connection
        return connection


def brief(error: Exception) -> str:
    """Return the reason of an error in one line."""
    said: Mapping[str, Any] | str = getattr(error, "reason", None) or str(error) or type(error).__name__
    return str(said).partition(" -+-+- ")[0].splitlines()[0]
