"""Changes of one object in a cluster, each for as long as a block runs."""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kubernetes.client import ApiClient

Object = dict[str, Any]
_SERVER_SETS = ("resourceVersion", "uid", "creationTimestamp", "managedFields", "generation")


def call(api: ApiClient, method: str, path: str, body: Object | None = None) -> Object:
    """What an API server answers; it must accept the request."""
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    request = api.param_serialize(method, path, header_params=headers, body=body, auth_settings=["BearerToken"])
    answer = api.call_api(*request, _request_timeout=30)
    answer.read()
    assert answer.status < 300, answer.data
    return json.loads(answer.data or b"{}")


@contextmanager
def changed(api: ApiClient, path: str, change: Callable[[Object], Any]) -> Iterator[None]:
    """An object, changed in place by `change`; at the end it is as it was."""
    before = call(api, "GET", path)
    edited = copy.deepcopy(before)
    change(edited)
    call(api, "PUT", path, edited)
    try:
        yield
    finally:
        version = call(api, "GET", path)["metadata"]["resourceVersion"]
        before["metadata"]["resourceVersion"] = version
        call(api, "PUT", path, before)


@contextmanager
def deleted(api: ApiClient, path: str) -> Iterator[None]:
    """An object, gone; at the end it is there again."""
    before = call(api, "GET", path)
    call(api, "DELETE", path)
    try:
        yield
    finally:
        for field in _SERVER_SETS:
            before["metadata"].pop(field, None)
        call(api, "POST", path.rpartition("/")[0], before)


@contextmanager
def created(api: ApiClient, collection: str, kind: str, name: str, spec: Object) -> Iterator[None]:
    """An object of somebody else; at the end it is gone. `collection` is the path of its kind in its namespace."""
    group, version = collection.removeprefix("/apis/").split("/")[:2]
    body = {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec}
    call(api, "POST", collection, body)
    try:
        yield
    finally:
        call(api, "DELETE", f"{collection}/{name}")
