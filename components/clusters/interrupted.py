"""What an update that was killed left in a cluster: it exists, and no state knows of it. The next update takes it over.

By itself pulumi-kubernetes creates only what does not exist; with `upsertExistingObjects` it takes over whatever
exists, somebody's own namespace, too, which `destroy` would then delete. So it is told to take over, and a hook looks
first, before each creation: what this stack created may be taken over, everything else is refused.
(https://github.com/pulumi/pulumi-kubernetes/pull/4278, https://github.com/pulumi/pulumi-kubernetes/issues/2054)
"""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from components.clusters.connection import connected
from components.clusters.kubeconfig import KubeconfigError
from components.objects import OWNER, RELEASE

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_SECONDS = 30
_FIELD_MANAGER = "pulumi-kubernetes"
_OWNER_ALONE = {"f:metadata": {"f:annotations": {f"f:{OWNER}": {}}}}

Inputs = Mapping[str, Any]


class NotOursError(Exception):
    """Something that this stack did not create is in the way; the message says what to do."""


class AnswerError(Exception):
    """The API server refused a request; the message says which, and why."""


def make_way(kubeconfig: str, type: str, inputs: Inputs, provider: str, *, own: bool) -> str:
    """Let an object or a Helm release be created whose creation was interrupted before; return what was found.

    `provider` is the id of the Pulumi provider, which no other stack has; `own` says that the stack created the
    cluster, too. Raises NotOursError or AnswerError.
    """
    with reached(kubeconfig) as api:
        return _release(api, inputs, provider, own=own) if type == RELEASE else _object(api, inputs)
    return ""


def unblock(kubeconfig: str, inputs: Inputs) -> str:
    """Let a Helm release be upgraded whose last operation was interrupted; return what was found."""
    with reached(kubeconfig) as api:
        path, records = _records(api, inputs)
        if records and (status := _status(records[-1])).startswith("pending-"):
            ask(api, "PATCH", f"{path}/{records[-1]['metadata']['name']}", recorded_as("failed", records[-1]))
            return f"Helm's last operation was interrupted ({status}): recorded as failed, and done again"
    return ""


@contextmanager
def reached(kubeconfig: str) -> "Iterator[ApiClient]":
    """Yield a client; if the cluster does not answer, end the block: Pulumi's provider reports it."""
    from urllib3.exceptions import HTTPError

    with suppress(KubeconfigError, HTTPError, OSError), connected(kubeconfig) as api:
        yield api


def _object(api: "ApiClient", inputs: Inputs) -> str:
    metadata = inputs["metadata"]
    path = _path(api, inputs["apiVersion"], inputs["kind"], metadata.get("namespace"))
    found = ask(api, "GET", f"{path}/{metadata['name']}") if path else None
    if found is None:
        return ""
    if not is_owned(found, metadata["annotations"][OWNER]):
        raise NotOursError(_in_the_way(inputs["kind"], metadata))
    fields = released(found["metadata"].get("managedFields") or [])
    ask(api, "PATCH", f"{path}/{metadata['name']}", {"metadata": {"managedFields": fields}})
    return "it exists: an update that was interrupted created it"


def _release(api: "ApiClient", inputs: Inputs, provider: str, *, own: bool) -> str:
    """Without its records, Helm installs the release again, over the objects that name it as theirs."""
    path, records = _records(api, inputs)
    if not records:
        return ""
    namespace = ask(api, "GET", f"/api/v1/namespaces/{inputs['namespace']}") or {}
    if not (own or is_owned(namespace, provider) or _names_owner(records[-1], provider)):
        raise NotOursError(_in_the_way("Helm release", inputs))
    for record in records:
        ask(api, "DELETE", f"{path}/{record['metadata']['name']}")
    return f"it exists ({_status(records[-1])}): an update that was interrupted installed it"


def is_owned(found: Inputs, owner: str) -> bool:
    """Return whether an object in a cluster has this owner: a Pulumi provider, or one resource of it."""
    named = (found.get("metadata", {}).get("annotations") or {}).get(OWNER, "")
    return named == owner or named.startswith(f"{owner}/")


def released(managed_fields: Sequence[Inputs]) -> list[Inputs]:
    """Return an object's managed fields, of which Pulumi's earlier managers keep only the name of the owner.

    Every resource of pulumi-kubernetes is a manager of its own, with a random name: the next one would be refused to
    change what the interrupted one has set. The list must not become empty, which would give all fields to nobody.
    """
    return [
        {**entry, "fieldsV1": _OWNER_ALONE} if entry.get("manager", "").startswith(_FIELD_MANAGER) else entry
        for entry in managed_fields
    ]


def _names_owner(record: Inputs, provider: str) -> bool:
    """Return whether the values of a Helm release have its owner as an annotation of its pods."""
    annotations = (_decoded(record).get("config") or {}).get("podAnnotations") or {}
    return annotations.get(OWNER) == provider


def _decoded(record: Inputs) -> dict[str, Any]:
    return json.loads(gzip.decompress(base64.b64decode(base64.b64decode(record["data"]["release"]))))


def recorded_as(status: str, record: Inputs) -> dict[str, Any]:
    """Return the change of a Helm record (a Secret) after which its release has another status.

    Source of the format: helm.sh/helm/v3/pkg/storage/driver (JSON, gzip, base64, and the base64 of every Secret).
    """
    release = _decoded(record)
    release["info"]["status"] = status
    data = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    return {"metadata": {"labels": {"status": status}}, "data": {"release": data}}


def _records(api: "ApiClient", inputs: Inputs) -> tuple[str, list[dict[str, Any]]]:
    """Return the path of Helm's records, and those of a release, the latest last."""
    path = f"/api/v1/namespaces/{inputs['namespace']}/secrets"
    answer = ask(api, "GET", f"{path}?labelSelector=owner%3Dhelm%2Cname%3D{inputs['name']}") or {}
    return path, sorted(answer.get("items", []), key=lambda record: int(record["metadata"]["labels"]["version"]))


def _status(record: Inputs) -> str:
    return record["metadata"]["labels"].get("status", "")


def _in_the_way(kind: str, metadata: Inputs) -> str:
    name = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
    return (
        f"{kind} {name} exists, and this stack did not create it (annotation {OWNER}). If nobody needs it, delete it "
        "and run `pulumi up` again; if somebody does, use another cluster"
    )


def _path(api: "ApiClient", api_version: str, kind: str, namespace: str | None) -> str:
    """Return the path of the objects of a kind; "" if the API server does not have the kind yet."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    for served in (ask(api, "GET", root) or {}).get("resources", []):
        if served["kind"] == kind and "/" not in served["name"]:
            scope = f"/namespaces/{namespace or 'default'}" if served["namespaced"] else ""
            return f"{root}{scope}/{served['name']}"
    return ""


def ask(api: "ApiClient", method: str, path: str, body: Any = None) -> dict[str, Any] | None:
    """Return an answer of the API server, None if it has no such object; the path may have a query."""
    content = "application/merge-patch+json" if method == "PATCH" else "application/json"
    headers = {"Accept": "application/json", "Content-Type": content}
    request = api.param_serialize(method, path, header_params=headers, body=body, auth_settings=["BearerToken"])
    answer = api.call_api(*request, _request_timeout=_SECONDS)
    answer.read()
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise AnswerError(f"{method} {path}: {answer.status} {answer.reason}")
    return json.loads(answer.data or b"{}")
