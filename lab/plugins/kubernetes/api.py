"""The Kubernetes API, spoken with plain objects (dicts as in JSON)."""

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lab.http_client import httpx
from lab.plugins.kubernetes.kubeconfig import Kubeconfig, UnreachableError
from lab.plugins.server import PluginError

Object = dict[str, Any]

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 60
_CONNECTION_RETRIES = 2
_BUSY_RETRIES = 5  # of a server that says 429 (too many requests)


class KindUnknownError(PluginError):
    """A kind that the API server does not have, at least not yet."""


class ApiError(PluginError):
    """A request that the API server refused; status is the HTTP one, reason and details are the API's."""

    def __init__(self, answer: httpx.Response) -> None:
        try:
            body = answer.json()
        except ValueError:
            body = {}
        self.status = answer.status_code
        self.reason: str = body.get("reason", "")
        self.details: Object = body.get("details") or {}
        super().__init__(body.get("message") or f"{answer.status_code} {answer.reason_phrase}: {answer.text[:500]}")


@dataclass(frozen=True)
class Kind:
    """A kind as the API serves it."""

    api_version: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """Return the URL path of the collection, or of the object of that name in it."""
        root = "/apis" if "/" in self.api_version else "/api"
        scope = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{root}/{self.api_version}{scope}/{self.plural}" + (f"/{name}" if name else "")


class Api:
    """One API server, as one user. Kinds are asked for once each and remembered. Safe to use from several threads."""

    def __init__(self, kubeconfig: Kubeconfig) -> None:
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._server = kubeconfig.server
        self._name = {"sni_hostname": name} if (name := kubeconfig.cluster.get("tls-server-name")) else {}
        self._unreachable = ""
        self._decided = False
        self._http = httpx.Client(
            base_url=self._server,
            headers=kubeconfig.headers(),
            transport=httpx.HTTPTransport(
                verify=kubeconfig.tls(),
                retries=_CONNECTION_RETRIES,
                proxy=kubeconfig.cluster.get("proxy-url"),
            ),
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
        )

    def reach(self) -> None:
        """Decide, once, whether the server is there, as the official plugin does: any answer will do.

        Until its end, every request to a server that was not there raises UnreachableError, and one to a server that
        was there never does, whatever becomes of it.
        """
        with suppress(PluginError):
            self._send("GET", "/version", {})
        self._decided = True

    def kind(self, api_version: str, kind: str) -> Kind:
        """Return the kind as the server describes it. Raises KindUnknownError if the server does not have it."""
        if (api_version, kind) not in self._kinds:
            root = "/apis" if "/" in api_version else "/api"
            try:
                served = self.request("GET", f"{root}/{api_version}")["resources"]
            except ApiError as error:
                if error.status != httpx.codes.NOT_FOUND:
                    raise
                served = []
            for resource in served:
                if "/" not in resource["name"]:  # that would be a subresource
                    found = Kind(api_version, resource["name"], resource["namespaced"])
                    self._kinds[api_version, resource["kind"]] = found
        try:
            return self._kinds[api_version, kind]
        except KeyError:
            raise KindUnknownError(
                f'no matches for kind "{kind}" in version "{api_version}": verify that the required CRDs exist'
            ) from None

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return the object, or None if there is none."""
        try:
            return self.request("GET", kind.path(namespace, name))
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def list(self, kind: Kind, namespace: str, labels: str) -> list[Object]:
        """Return the objects that a label selector selects."""
        return self.request("GET", kind.path(namespace), params={"labelSelector": labels})["items"]

    def apply(
        self, kind: Kind, namespace: str, wanted: Object, manager: str, *, force: bool = False, dry_run: bool = False
    ) -> Object:
        """Server-side apply the object and return it as it is then, or would be after a dry run."""
        parameters = {"fieldManager": manager, "force": str(force).lower()} | ({"dryRun": "All"} if dry_run else {})
        return self.request(
            "PATCH",
            kind.path(namespace, wanted["metadata"]["name"]),
            params=parameters,
            json=wanted,
            headers={"Content-Type": "application/apply-patch+yaml"},
        )

    def create(self, kind: Kind, namespace: str, wanted: Object, manager: str) -> Object:
        """Create the object and return it as it is then. Raises ApiError, also if it exists."""
        return self.request("POST", kind.path(namespace), params={"fieldManager": manager}, json=wanted)

    def delete(self, kind: Kind, namespace: str, name: str, propagation: str) -> bool:
        """Request the deletion of the object. Return False if there is no such object."""
        try:
            self.request("DELETE", kind.path(namespace, name), json={"propagationPolicy": propagation})
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return False
            raise
        return True

    def request(self, method: str, path: str, **options: Any) -> Object:
        """Send one request and return the JSON of its answer.

        Raises ApiError when the server refuses it, UnreachableError when the server was not there from the start,
        PluginError when it no longer answers.
        """
        for attempt in range(_BUSY_RETRIES):
            answer = self._send(method, path, options)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            time.sleep(min(float(answer.headers.get("Retry-After", 1)), 2**attempt))
        else:
            answer = self._send(method, path, options)
        if answer.is_error:
            raise ApiError(answer)
        return answer.json()

    def _send(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        if self._unreachable:
            raise UnreachableError(self._unreachable)
        try:
            return self._http.request(method, path, extensions=self._name, **options)
        except httpx.HTTPError as error:
            message = f"{method} {self._server}{path}: {error}"
            if self._decided:
                raise PluginError(message) from error
            self._unreachable = message
            raise UnreachableError(message) from error
