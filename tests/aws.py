"""AWS as a node sees it: the instance metadata service (IMDSv2) and Parameter Store, at one address."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any

CREDENTIALS = {"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "secret", "Token": "of the session"}
METADATA = {
    "/latest/meta-data/iam/security-credentials/": "node",
    "/latest/meta-data/iam/security-credentials/node": json.dumps(CREDENTIALS),
    "/latest/meta-data/placement/region": "eu-central-1",
    "/latest/meta-data/services/domain": "amazonaws.com",
}


class Aws(ThreadingTCPServer):
    """Both services, and what they were asked. No HTTPServer, which looks its own name up in a DNS that may be mute."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((address, port), Handler)
        self.parameters: dict[str, str] = {}
        self.refusal = ""
        self.asked: list[tuple[dict[str, str], dict[str, Any]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @contextmanager
    def serving(self) -> Iterator["Aws"]:
        """Answer until the end of the block."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        with self:
            thread.start()
            yield self
            self.shutdown()
            thread.join()


class Handler(BaseHTTPRequestHandler):
    server: Aws  # pyright: ignore[reportIncompatibleVariableOverride] - it serves nothing else

    def do_PUT(self) -> None:
        self._answer("token" if self.headers["X-aws-ec2-metadata-token-ttl-seconds"] else "")

    def do_GET(self) -> None:
        if self.headers["X-aws-ec2-metadata-token"] != "token":
            self._answer("", 401)  # IMDSv1
        else:
            self._answer(METADATA[self.path])

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
        known = self.server.parameters
        refusal = '{"__type": "ValidationException"}' if len(body["Names"]) > 10 else self.server.refusal
        if refusal:
            self._answer(refusal, 400)
            return
        found = [{"Name": name, "Value": known[name]} for name in body["Names"] if name in known]
        missing = [name for name in body["Names"] if name not in known]
        self._answer(json.dumps({"Parameters": found, "InvalidParameters": missing}))

    def _answer(self, text: str, status: int = 200) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any, **__: Any) -> None:
        """Nothing."""


if __name__ == "__main__":
    service = Aws(sys.argv[1], 80)
    service.parameters = json.loads(Path(sys.argv[2]).read_text())
    print("serving", flush=True)
    service.serve_forever()
