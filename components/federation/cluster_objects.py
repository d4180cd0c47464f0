"""Istio objects in a cluster, made equal to those that are wanted through its API server."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from components import istio
from components.federation import former_policies, order
from components.federation.former_policies import closes

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

LABELS = {"app.kubernetes.io/managed-by": "multimesh"}
"""On every object, so that those are found that no state knows of: an update may have been killed."""
NAMED = "multimesh/object"
"""The annotation of every object with its own key: a copy that somebody made of it is not the program's."""

_PLURALS = {
    "AuthorizationPolicy": "authorizationpolicies",
    "DestinationRule": "destinationrules",
    "EnvoyFilter": "envoyfilters",
    "ServiceEntry": "serviceentries",
    "VirtualService": "virtualservices",
}
_POLICY, _ENTRY = "AuthorizationPolicy", "ServiceEntry"
_LOGIN = ["BearerToken"]
"""What the Kubernetes client calls the kubeconfig's credentials."""
_AT_ONCE = 8
_ATTEMPTS = 3
_NAMED_AT_MOST = 5
_MESSAGE_BYTES = 200
_SECONDS = 30
_PATIENCE_SECONDS = 60
_PAUSE_SECONDS = 1
_ADDRESS_SECONDS = 20
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
    metadata: Mapping[str, Any]
    addressed: bool = False
    """Whether istiod gave it addresses: a ServiceEntry."""


class _Patience:
    """For how long answers are waited for that may pass: from the last success, whoever had it."""

    def __init__(self) -> None:
        self._until, self.reason = 0.0, ""
        self.succeeded()

    def succeeded(self) -> None:
        self._until, self.reason = time.monotonic() + _PATIENCE_SECONDS, ""

    def is_over(self, reason: str) -> bool:
        self.reason = reason
        return time.monotonic() > self._until


def is_own(kind: str, metadata: Mapping[str, Any]) -> bool:
    """Return whether the program made an object of this kind, by its metadata."""
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    key = Key(kind, metadata["namespace"], metadata["name"])
    return LABELS.items() <= labels.items() and annotations.get(NAMED) == str(key)


def live(api: "ApiClient", patience: _Patience | None = None, kinds: Iterable[str] = _PLURALS) -> dict[Key, Live]:
    """Return all objects of these kinds that the program made; none of a kind that the cluster does not know.

    Raise RefusedError, or SilentError; without `patience`, at the first answer that may pass.
    """
    selector = ",".join(f"{name}={value}" for name, value in LABELS.items())
    found = dict[Key, Live]()
    for kind in kinds:
        path = f"/apis/{istio.API_VERSIONS[kind]}/{_PLURALS[kind]}"
        status, answer = _call(api, patience, "GET", path, query=[("labelSelector", selector)])
        if status == HTTPStatus.NOT_FOUND:
            continue
        if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise SilentError(f"{path}: {_reason(status, answer)}")
        if status != HTTPStatus.OK:
            raise RefusedError(f"{path}: {_reason(status, answer)}")
        for item in answer["items"]:
            about = item["metadata"]
            if is_own(kind, about):
                found[Key(kind, about["namespace"], about["name"])] = Live(
                    item.get("spec") or {}, about, bool((item.get("status") or {}).get("addresses"))
                )
    return found


def converge(api: "ApiClient", wanted: Mapping[Key, istio.Spec], report: Callable[[str], None]) -> None:
    """Make the program's objects those that are wanted: create, replace and delete what differs.

    Raise RefusedError if the API server refuses one. All others are there then; but if it was a policy, nothing that
    routes to a service was changed. Raise SilentError.
    """
    patience = _Patience()
    there = live(api, patience)
    changed = [key for key, spec in wanted.items() if key not in there or there[key].spec != spec]

    def write(keys: Iterable[Key]) -> list[str]:
        return _each(keys, lambda key: _write(api, patience, key, wanted[key], there.get(key)), patience, report)

    # Within a step by kind, which the alphabet has in a good order: rules are there before what routes to them.
    steps = [[key for key in changed if order.step(key.kind, key.name) == number] for number in range(order.STEPS)]
    refusals = next((refused for step in steps if (refused := write(sorted(step)))), [])
    # What takes the place of another is there before the other goes: one of these, or at first what others made.
    gone = there.keys() - wanted.keys()
    if gone or not there:
        _await_addresses(api, {key for key in changed if key.kind == _ENTRY and key not in there})
    if former := _former(api, patience):
        refusals = refusals or _open(api, patience, former)
        # Without all that denies, what allows must stay.
        gone = {key for key in gone if key.kind != _POLICY} if refusals else gone
    for number in reversed(range(order.STEPS)):
        step = sorted((key for key in gone if order.step(key.kind, key.name) == number), reverse=True)
        refusals += _each(step, lambda key: _delete(api, patience, key), patience, report)
    if refusals:
        more = [f"and {len(refusals) - _NAMED_AT_MOST} more"] if len(refusals) > _NAMED_AT_MOST else []
        raise RefusedError("\n".join([*refusals[:_NAMED_AT_MOST], *more]))


def _former(api: "ApiClient", patience: _Patience) -> dict[str, dict[str, Any]]:
    """Return the ALLOW policies of the mesh that an earlier version made, by path.

    In a namespace that is not the program's, as where somebody else runs the control plane, there are none.
    """
    paths = [Key(_POLICY, istio.NAMESPACE, name).path for name in former_policies.NAMES]
    answers = {path: _call(api, patience, "GET", path) for path in paths}
    found = {path: one for path, (status, one) in answers.items() if status == HTTPStatus.OK and closes(one)}
    if not found:
        return {}
    status, namespace = _call(api, patience, "GET", f"/api/v1/namespaces/{istio.NAMESPACE}")
    labels = namespace["metadata"].get("labels") or {} if status == HTTPStatus.OK else {}
    return found if LABELS.items() <= labels.items() else {}


def _open(api: "ApiClient", patience: _Patience, policies: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Let ALLOW policies admit everybody, once all that denies is in force."""
    time.sleep(former_policies.SETTLED_SECONDS)
    answers = {
        path: _call(api, patience, "PUT", path, {**one, "spec": {**one["spec"], "rules": [{}]}})
        for path, one in policies.items()
    }
    return [f"{path}: {_reason(*answer)}" for path, answer in answers.items() if answer[0] != HTTPStatus.OK]


def _await_addresses(api: "ApiClient", entries: Set[Key]) -> None:
    """Wait for a while until new ServiceEntries have addresses, without which sidecars cannot resolve their names.

    istiod gives them, as soon as it has become the leader among its pods: it may have been restarted a moment ago.
    """
    deadline = time.monotonic() + _ADDRESS_SECONDS
    while entries and time.monotonic() < deadline:
        found = live(api, _Patience(), [_ENTRY])
        if all(key not in found or found[key].addressed for key in entries):
            return
        time.sleep(_PAUSE_SECONDS)


def _each(
    keys: Iterable[Key], do: Callable[[Key], str | None], patience: _Patience, report: Callable[[str], None]
) -> list[str]:
    """Do it for all keys, some at once; return why what was refused was."""
    keys = list(keys)
    refusals, said = list[str](), time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for number, refusal in enumerate(pool.map(do, keys), start=1):
            if refusal:
                refusals.append(refusal)
            if time.monotonic() - said > _REPORT_SECONDS:
                report(f"{number} of {len(keys)} objects{f'; waiting: {patience.reason}' if patience.reason else ''}")
                said = time.monotonic()
    return refusals


def _write(api: "ApiClient", patience: _Patience, key: Key, spec: istio.Spec, there: Live | None) -> str | None:
    status, answer = 0, dict[str, Any]()
    for _ in range(_ATTEMPTS):
        metadata = _metadata(key, there.metadata if there else {})
        body = {"apiVersion": istio.API_VERSIONS[key.kind], "kind": key.kind, "metadata": metadata, "spec": spec}
        method, path = ("PUT", key.path) if there else ("POST", key.collection)
        status, answer = _call(api, patience, method, path, body)
        if status in (HTTPStatus.OK, HTTPStatus.CREATED):
            return None
        if status != HTTPStatus.CONFLICT:
            break
        # Somebody else, or an attempt whose answer was lost, was faster.
        found, now = _call(api, patience, "GET", key.path)
        if found == HTTPStatus.OK and not is_own(key.kind, now["metadata"]):
            return f"{key} is there already, and is not multimesh's: delete it, or give it another name"
        there = Live(now.get("spec") or {}, now["metadata"]) if found == HTTPStatus.OK else None
    return f"{key}: {_reason(status, answer)}"


def _metadata(key: Key, there: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object's metadata, with what others have added."""
    kept = {name: value for name, value in there.items() if name != "managedFields"}
    return {
        **kept,
        "name": key.name,
        "namespace": key.namespace,
        "labels": {**(there.get("labels") or {}), **LABELS},
        "annotations": {**(there.get("annotations") or {}), NAMED: str(key)},
    }


def _delete(api: "ApiClient", patience: _Patience, key: Key) -> str | None:
    status, answer = _call(api, patience, "DELETE", key.path)
    return None if status in (HTTPStatus.OK, HTTPStatus.NOT_FOUND) else f"{key}: {_reason(status, answer)}"


def _call(
    api: "ApiClient",
    patience: _Patience | None,
    method: str,
    path: str,
    body: Any = None,
    query: "list[tuple[str, str]] | None" = None,
) -> tuple[int, Any]:
    """Return the status and the answer; ask again, with patience, while the API server or its webhook cannot answer."""
    from urllib3.exceptions import HTTPError

    while True:
        try:
            status, answer = _ask(api, method, path, body, query)
        except HTTPError as error:
            if not patience or patience.is_over(type(error).__name__):
                raise
        else:
            passing = status in _TRANSIENT or "failed calling webhook" in _reason(status, answer)
            if not passing and patience:
                patience.succeeded()
            if not passing or not patience or patience.is_over(_reason(status, answer)):
                return status, answer
        time.sleep(_PAUSE_SECONDS)


def _ask(
    api: "ApiClient", method: str, path: str, body: Any, query: "list[tuple[str, str]] | None"
) -> tuple[int, dict[str, Any]]:
    """Return the status and the answer; text, as of a proxy or an overloaded API server, is its message."""
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    request = api.param_serialize(
        method, path, query_params=query, header_params=headers, body=body, auth_settings=_LOGIN
    )
    answer = api.call_api(*request, _request_timeout=_SECONDS)
    answer.read()
    data = answer.data or b"{}"
    try:
        return answer.status, dict(json.loads(data))
    except (ValueError, TypeError):
        return answer.status, {"message": data[:_MESSAGE_BYTES].decode(errors="replace").strip()}


def _reason(status: int, answer: Mapping[str, Any]) -> str:
    return str(answer.get("message") or f"the API server answers {status}")
