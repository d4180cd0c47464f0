"""A small API server on loopback, for tests of the Kubernetes stand-in."""

import copy
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from lab.plugins.values import Properties

RESOURCES = {
    "/api/v1": {"Namespace": ("namespaces", False), "Service": ("services", True), "Secret": ("secrets", True)},
    "/apis/example.com/v1": {},
}


class ApiServer(ThreadingHTTPServer):
    """Keeps objects by path; with `owners`, applying without force is a conflict; `sticky` objects outlive deletion.

    Without its `storage` it serves the kinds and times out on objects, as an API server without its etcd.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, Properties] = {}
        self.resources: dict[str, dict[str, tuple[str, bool]]] = copy.deepcopy(RESOURCES)
        self.owners: list[str] = []
        self.sticky = False
        self.storage = True
        self.requests: list[tuple[str, str, dict[str, str]]] = []

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """Serve until the end of the block."""
        with cls() as server:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            yield server
            server.shutdown()

    @property
    def kubeconfig(self) -> str:
        cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.server_port}"}}
        context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
        users = [{"name": "u", "user": {"token": "t"}}]
        return json.dumps({"current-context": "x", "clusters": [cluster], "contexts": [context], "users": users})


class _Handler(BaseHTTPRequestHandler):
    server: ApiServer  # type: ignore[assignment] the only kind of server that has this handler

    def log_message(self, format: str, *args: Any) -> None: ...

    def _answer(self, status: int, body: Properties) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, status: int, reason: str, message: str) -> None:
        self._answer(status, {"kind": "Status", "reason": reason, "message": message})

    def _read(self) -> tuple[str, dict[str, str], Any]:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.server.requests.append((self.command, parts.path, query))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return parts.path, query, json.loads(body) if body else None

    def do_GET(self) -> None:
        path, _, _ = self._read()
        if path in self.server.resources:
            kinds = self.server.resources[path].items()
            served = [{"name": plural, "kind": kind, "namespaced": scoped} for kind, (plural, scoped) in kinds]
            self._answer(200, {"resources": served})
        elif not self.server.storage:
            self._refuse(504, "Timeout", "Timeout: request did not complete within the allotted timeout")
        elif path in self.server.objects:
            self._answer(200, self.server.objects[path])
        elif path.endswith(("/endpointslices", "/secrets")):
            self._answer(200, {"items": []})
        else:
            self._refuse(404, "NotFound", f"{path} not found")

    def do_POST(self) -> None:
        path, query, body = self._read()
        plural, name = path.rpartition("/")[2], body["metadata"]["name"]
        if f"{path}/{name}" in self.server.objects:
            self._refuse(409, "AlreadyExists", f'{plural} "{name}" already exists')
        else:
            self._store(f"{path}/{name}", query, body)

    def do_PATCH(self) -> None:
        path, query, body = self._read()
        if self.server.owners and query["force"] == "false":
            owners = ", ".join(f'conflict with "{owner}" using v1' for owner in self.server.owners)
            self._refuse(409, "Conflict", f"Apply failed with 1 conflict: {owners}: .spec.type")
            return
        self._store(path, query, body)

    def _store(self, path: str, query: dict[str, str], body: Properties) -> None:
        server_set = {"uid": "1", "managedFields": [{"manager": query["fieldManager"]}]}
        live = copy.deepcopy(body)
        live["metadata"] |= server_set
        live["status"] = {"phase": "Active"}
        if "stringData" in live:
            texts = live.pop("stringData").items()
            live["data"] = live.get("data", {}) | {key: b64encode(text.encode()).decode() for key, text in texts}
        if "dryRun" not in query:
            self.server.objects[path] = live
        self._answer(200, live)

    def do_DELETE(self) -> None:
        path, _, body = self._read()
        self.server.requests[-1] = ("DELETE", path, body)
        if path not in self.server.objects:
            self._refuse(404, "NotFound", "not found")
            return
        if not self.server.sticky:
            del self.server.objects[path]
        self._answer(200, {"status": "Success"})
