"""A cluster's API server for Istio objects, in memory."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

from api_server import kubeconfig, serving

_PATH = re.compile(r"/apis/(?P<group>[^/]+/\w+)(/namespaces/(?P<namespace>[^/]+))?/(?P<plural>\w+)(/(?P<name>[^?]+))?")


class ObjectsServer:
    """`objects` are by path. `refusals` are answers to writes, by a part of the path.

    `asked` are the writes, `listed` the kinds whose objects were listed.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.refusals: dict[str, list[tuple[int, str | None]]] = {}
        self.asked: list[str] = []
        self.listed: list[str] = []
        self.unknown: set[str] = set()
        self.kubeconfig = ""
        self.addressed = False
        self.namespace = {"metadata": {"name": "istio-system", "labels": {"app.kubernetes.io/managed-by": "multimesh"}}}
        self._version = 0

    def specs(self) -> dict[str, Any]:
        """Return the specs by the last part of the path."""
        return {path.rpartition("/")[2]: found["spec"] for path, found in self.objects.items()}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == "/api/v1/namespaces/istio-system":
            return 200, self.namespace
        found = _PATH.match(path)
        assert found
        if found["plural"] in self.unknown:
            return 404, {"message": "the server could not find the requested resource"}
        if method == "GET" and self.refusals.get("GET"):
            status, message = self.refusals["GET"][0]
            return status, {"message": message}
        if method == "GET" and found["name"]:
            return (200, self.objects[path]) if path in self.objects else (404, {})
        if method == "GET":
            assert "labelSelector=app.kubernetes.io/managed-by=multimesh" in unquote(path), path
            self.listed.append(found["plural"])
            return 200, {"items": [one for at, one in self.objects.items() if self._is_listed(at, one, found)]}
        at = path if found["name"] else f"{path}/{body['metadata']['name']}"
        self.asked.append(f"{method} {at.rpartition('/')[2]}")
        for part, answers in self.refusals.items():
            if part in at and answers:
                status, message = answers.pop(0)
                return status, {"message": message} if message else "slow down"
        if method == "DELETE":
            return (200, {}) if self.objects.pop(at, None) else (404, {})
        return self._write(method, at, body)

    def _write(self, method: str, at: str, body: Any) -> tuple[int, Any]:
        there = self.objects.get(at)
        if method == "POST" and there:
            return 409, {"message": "already exists"}
        if method == "PUT" and (
            not there or there["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]
        ):
            return 409, {"message": "the object has been modified"}
        self._version += 1
        status = {"status": {"addresses": [{"value": "240.240.0.1"}]}} if self.addressed else {}
        self.objects[at] = body | status | {"metadata": body["metadata"] | {"resourceVersion": str(self._version)}}
        return (200 if there else 201), self.objects[at]

    @staticmethod
    def _is_listed(at: str, one: dict[str, Any], asked: "re.Match[str]") -> bool:
        managed = (one["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "multimesh"
        return managed and at.startswith(f"/apis/{asked['group']}/") and f"/{asked['plural']}/" in at


@contextmanager
def objects_server() -> Iterator[ObjectsServer]:
    """A cluster without objects."""
    server = ObjectsServer()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = server.answer(self.command, self.path, body)
            content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815 - the standard library's names

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serving(Handler) as address:
        server.kubeconfig = kubeconfig(f"http://{address}")
        yield server
