"""Istio objects in a cluster, made equal to those that are wanted through its API server."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from components import istio

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

LABELS = {"app.kubernetes.io/managed-by": "multimesh"}
"""On every object, so that those are found that no state knows of: an update may have been killed."""

_PLURALS = {
    "AuthorizationPolicy": "authorizationpolicies",
    "DestinationRule": "destinationrules",
    "EnvoyFilter": "envoyfilters",
    "ServiceEntry": "serviceentries",
    "VirtualService": "virtualservices",
}
_LOGIN = ["BearerToken"]
"""What the Kubernetes client calls the kubeconfig's credentials."""
_AT_ONCE = 8
_SECONDS = 30
_PATIENCE_SECONDS = 60
_PAUSE_SECONDS = 1
_TRANSIENT = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
_REPORT_SECONDS = 5


class RefusedError(Exception):
    """An API server refused some objects; the message has a line for each of the first."""


class SilentError(Exception):
    """An API server cannot tell what is there, as its database does not answer, for example."""


@dataclass(frozen=True, order=True)
class Key:
    """What an object is called in a cluster. As text: `<kind> <namespace>/<name>`."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Return the key that has this text."""
        kind, _, rest = text.partition(" ")
        return cls(kind, *rest.split("/"))

    @property
    def collection(self) -> str:
        """The path of the objects of its kind in its namespace."""
        return f"/apis/{istio.API_VERSIONS[self.kind]}/namespaces/{self.namespace}/{_PLURALS[self.kind]}"

    @property
    def path(self) -> str:
        """Its own path."""
        return f"{self.collection}/{self.name}"


@dataclass(frozen=True)
class Live:
    """An object as it is in the cluster."""

    spec: istio.Spec
    version: str
    """Its `resourceVersion`."""


def live(api: "ApiClient") -> dict[Key, Live]:
    """Return all objects with `LABELS`; none of a kind that the cluster does not know.

    Raise RefusedError, or SilentError.
    """
    selector = ",".join(f"{name}={value}" for name, value in LABELS.items())
    found = dict[Key, Live]()
    for kind, plural in _PLURALS.items():
        path = f"/apis/{istio.API_VERSIONS[kind]}/{plural}"
        status, answer = _ask(api, "GET", path, query=[("labelSelector", selector)])
        if status == HTTPStatus.NOT_FOUND:
            continue
        if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise SilentError(f"{path}: {_reason(status, answer)}")
        if status != HTTPStatus.OK:
            raise RefusedError(f"{path}: {_reason(status, answer)}")
        for item in answer["items"]:
            about = item["metadata"]
            key = Key(kind, about["namespace"], about["name"])
            found[key] = Live(item.get("spec") or {}, about["resourceVersion"])
    return found


def converge(api: "ApiClient", wanted: Mapping[Key, istio.Spec], report: Callable[[str], None]) -> None:
    """Make the objects with `LABELS` those that are wanted: create, replace and delete what differs.

    Raise RefusedError if the API server refuses one; all others are there then. Raise SilentError.
    """
    there = live(api)
    changed = [key for key, spec in wanted.items() if key not in there or there[key].spec != spec]
    # By kind, which the alphabet has in a good order: policies and rules are there before what routes to them, and go
    # after it. What takes the place of another is there before the other goes.
    _each(sorted(changed), lambda key: _write(api, key, wanted[key], there.get(key)), report)
    _each(sorted(there.keys() - wanted.keys(), reverse=True), lambda key: _delete(api, key), report)


def _each(keys: Sequence[Key], do: Callable[[Key], str | None], report: Callable[[str], None]) -> None:
    refusals, said = list[str](), time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for number, refusal in enumerate(pool.map(do, keys), start=1):
            if refusal:
                refusals.append(refusal)
            if time.monotonic() - said > _REPORT_SECONDS:
                report(f"{number} of {len(keys)} objects")
                said = time.monotonic()
    if refusals:
        more = [f"and {len(refusals) - 5} more"] if len(refusals) > 5 else []
        raise RefusedError("\n".join([*refusals[:5], *more]))


def _write(api: "ApiClient", key: Key, spec: istio.Spec, there: Live | None) -> str | None:
    metadata = {"name": key.name, "namespace": key.namespace, "labels": LABELS}
    if there:
        metadata |= {"resourceVersion": there.version}
    body = {"apiVersion": istio.API_VERSIONS[key.kind], "kind": key.kind, "metadata": metadata, "spec": spec}
    method, path = ("PUT", key.path) if there else ("POST", key.collection)
    status, answer = _call(api, method, path, body)
    if status in (HTTPStatus.OK, HTTPStatus.CREATED):
        return None
    if status == HTTPStatus.CONFLICT and not there:
        return f"{key} is there already, and is not multimesh's: delete it, or give it another name"
    return f"{key}: {_reason(status, answer)}"


def _delete(api: "ApiClient", key: Key) -> str | None:
    status, answer = _call(api, "DELETE", key.path)
    return None if status in (HTTPStatus.OK, HTTPStatus.NOT_FOUND) else f"{key}: {_reason(status, answer)}"


def _call(api: "ApiClient", method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Return what `_ask` does; ask again for a while if the API server, or its webhook, cannot answer yet."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        status, answer = _ask(api, method, path, body)
        passing = status in _TRANSIENT or "failed calling webhook" in str(answer.get("message"))
        if not passing or time.monotonic() > deadline:
            return status, answer
        time.sleep(_PAUSE_SECONDS)


def _ask(
    api: "ApiClient", method: str, path: str, body: Any = None, query: "list[tuple[str, str]] | None" = None
) -> tuple[int, Any]:
    """Return the status and the answer."""
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    request = api.param_serialize(
        method, path, query_params=query, header_params=headers, body=body, auth_settings=_LOGIN
    )
    answer = api.call_api(*request, _request_timeout=_SECONDS)
    answer.read()
    return answer.status, json.loads(answer.data or b"{}")


def _reason(status: int, answer: Mapping[str, Any]) -> str:
    return str(answer.get("message") or f"the API server answers {status}")
