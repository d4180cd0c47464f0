"""AWS as a node sees it, at one address: the instance metadata service (IMDSv2), Parameter Store, STS and EC2.

STS verifies signatures: the access key's id names role and instance, and its secret follows from the id.
"""

import json
import re
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "components/clusters/kubeadm/node"))
import aws_requests

ACCOUNT = "123456789012"
REGION = "eu-central-1"


def role_arn(role: str) -> str:
    """Return the ARN of a role."""
    return f"arn:aws:iam::{ACCOUNT}:role/{role}"


def credentials(role: str, instance: str) -> dict[str, str]:
    """Return what the metadata service gives an instance."""
    key = f"{role}.{instance}"
    return {"AccessKeyId": key, "SecretAccessKey": f"secret of {key}", "Token": f"session of {key}"}


class Aws(ThreadingTCPServer):
    """Both services, and what they were asked. No HTTPServer, which looks its own name up in a DNS that may be mute."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((address, port), Handler)
        self.parameters: dict[str, str] = {}
        self.stored: Callable[[], dict[str, str]] = lambda: self.parameters
        """The parameters as they are now."""
        self.role, self.instance = "worker", "i-1"
        self.addresses: Callable[[], dict[str, str]] = dict
        """The address of each instance of the account."""
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
            self._answer(self._metadata()[self.path.removeprefix("/latest/meta-data/")])

    def _metadata(self) -> dict[str, str]:
        role, instance = self.server.role, self.server.instance
        return {
            "iam/security-credentials/": role,
            f"iam/security-credentials/{role}": json.dumps(credentials(role, instance)),
            "instance-id": instance,
            "placement/region": REGION,
            "services/domain": "amazonaws.com",
        }

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if "x-amz-target" in headers:
            self._get_parameters(headers, json.loads(body))
            return
        asked = dict(urllib.parse.parse_qsl(body.decode()))
        {"GetCallerIdentity": self._get_caller_identity, "DescribeInstances": self._describe_instances}[
            asked["Action"]
        ](headers, body)

    def _get_parameters(self, headers: dict[str, str], body: dict[str, Any]) -> None:
        self.server.asked.append((headers, body))
        known = self.server.stored()
        refusal = '{"__type": "ValidationException"}' if len(body["Names"]) > 10 else self.server.refusal
        if refusal:
            self._answer(refusal, 400)
            return
        found = [{"Name": name, "Value": known[name]} for name in body["Names"] if name in known]
        missing = [name for name in body["Names"] if name not in known]
        self._answer(json.dumps({"Parameters": found, "InvalidParameters": missing}))

    def _get_caller_identity(self, headers: dict[str, str], body: bytes) -> None:
        caller = _caller(headers, body, "sts")
        if caller is None:
            self._answer("<Code>SignatureDoesNotMatch</Code>", 403)
            return
        arn = role_arn(caller.replace(".", "/")).replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
        self._answer(f"<GetCallerIdentityResult>\n  <Arn>{arn}</Arn>\n</GetCallerIdentityResult>")

    def _describe_instances(self, headers: dict[str, str], body: bytes) -> None:
        known = self.server.addresses()
        wanted = dict(urllib.parse.parse_qsl(body.decode()))["InstanceId.1"]
        if _caller(headers, body, "ec2") is None or not self.server.role.startswith("control-plane"):
            self._answer("<Code>UnauthorizedOperation</Code>", 403)
        elif wanted not in known:
            self._answer("<Code>InvalidInstanceID.NotFound</Code>", 400)
        else:
            self._answer(f"<instanceId>{wanted}</instanceId><privateIpAddress>{known[wanted]}</privateIpAddress>")

    def _answer(self, text: str, status: int = 200) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any, **__: Any) -> None:
        """Nothing."""


def _caller(headers: dict[str, str], body: bytes, service: str) -> str | None:
    """Return the id of the key that a request is signed with; None if the signature is wrong."""
    given = headers.get("authorization", "")
    found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=(\S+?)/\S+, SignedHeaders=(\S+), Signature=\w+", given)
    if not found:
        return None
    role, _, instance = found[1].partition(".")
    covered = {name: headers.get(name, "") for name in found[2].split(";")}
    own = credentials(role, instance)
    right = aws_requests.signed(covered, body, own, REGION, service)["authorization"]
    return found[1] if given == right and covered.get("x-amz-security-token") == own["Token"] else None


if __name__ == "__main__":
    service = Aws(sys.argv[1], 80)
    told = json.loads(Path(sys.argv[2]).read_text())
    service.role, service.instance = told["role"], told["instance"]
    service.stored = lambda: json.loads(Path(told["parameters"]).read_text())
    service.addresses = lambda: json.loads(Path(told["addresses"]).read_text())
    print("serving", flush=True)
    service.serve_forever()
