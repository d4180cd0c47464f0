"""Reading a cluster: what an API server of a test's own answers."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from api_server import kubeconfig, serving
from pydantic import SecretStr

from multimesh.check.cluster import Cluster, read_cluster, written
from multimesh.check.injection import no_sidecar
from multimesh.connection import UnreachableError, connected
from multimesh.gateway_api import GROUP

POD = {"metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}}}
ROUTE = {"metadata": {"name": "split", "namespace": "shop"}}
ANSWERS: dict[str, Any] = {
    "/version": {},
    "/api/v1/namespaces/shop/pods": {"items": [POD]},
    GROUP: {"versions": [{"version": "v1"}]},
    f"{GROUP}/v1": {"resources": [{"kind": "HTTPRoute", "name": "httproutes"}]},
    f"{GROUP}/v1/httproutes": {"items": [ROUTE]},
    "/api/v1/namespaces/istio-system/secrets/cacerts": {"data": {"ca-cert.pem": "eA==", "ca-key.pem": "c2VjcmV0"}},
}


class Server(BaseHTTPRequestHandler):
    """Knows some paths, and says of the others what an API server says; its clock is ten minutes ahead."""

    def do_GET(self) -> None:
        found = ANSWERS.get(self.path)
        status = 200 if found is not None else 403 if self.path.endswith("networkpolicies") else 404
        body = b"404 page not found\n" if status == 404 else json.dumps(found or {"message": "no"}).encode()
        self.send_response_only(status)
        self.send_header("Date", format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


def tries(status: int, answer: Any) -> type[Server]:
    """Answers a pod that is to be tried."""

    class Trying(Server):
        def do_POST(self) -> None:
            assert self.path == "/api/v1/namespaces/demo/pods?dryRun=All"
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert asked["kind"] == "Pod"
            body = json.dumps(answer).encode()
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Trying


APP, PROXY = {"name": "app"}, {"name": "istio-proxy"}


class NoServer(Server):
    """A proxy's page in place of JSON."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"<html>")


def read(handler: type[BaseHTTPRequestHandler]) -> Cluster:
    with serving(handler) as at, connected(SecretStr(kubeconfig(f"http://{at}"))) as api:
        return read_cluster(api, ["shop"])


def test_objects_are_found_by_their_labels() -> None:
    assert read(Server).selected("Pod", "shop", {"app": "web"}) == [POD]


def test_routes_of_the_gateway_api_are_read_where_there_are_any() -> None:
    assert read(Server).all("HTTPRoute") == [ROUTE]


def test_the_key_of_a_ca_is_not_kept() -> None:
    assert read(Server).cacerts == {"ca-cert.pem": "eA=="}


def test_what_may_not_be_read_is_told_and_what_is_not_served_is_not() -> None:
    assert read(Server).refused == ["NetworkPolicy (403)"]


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (201, {"spec": {"containers": [APP, PROXY]}}, ""),
        (201, {"spec": {"containers": [APP], "initContainers": [PROXY]}}, ""),
        (201, {"spec": {"containers": [APP]}}, "the API server gives it none"),
        (500, {"message": "failed calling webhook"}, "failed calling webhook"),
        (403, {"message": "exceeded quota"}, ""),
        (404, {}, ""),
    ],
    ids=["sidecar", "native sidecar", "none", "no answer", "refused", "no namespace"],
)
def test_a_pod_that_is_only_tried_tells_whether_the_webhook_answers(status: int, answer: Any, said: str) -> None:
    assert read(tries(status, answer)).injects == said


def test_a_webhook_that_lets_the_api_server_wait_gives_no_sidecar() -> None:
    def silent(*_: Any) -> Any:
        raise UnreachableError("its API server does not answer: timed out")

    assert no_sidecar(silent) == "its API server does not answer: timed out"


def test_the_clock_is_compared() -> None:
    assert read(Server).seconds_ahead == pytest.approx(600, abs=5)


def test_what_is_no_api_server_is_unreachable() -> None:
    with pytest.raises(UnreachableError, match="is no API server"):
        read(NoServer)


def test_a_closed_port_is_unreachable() -> None:
    with (
        connected(SecretStr(kubeconfig("http://127.0.0.1:1"))) as api,
        pytest.raises(UnreachableError, match=r"does not answer: .*refused"),
    ):
        read_cluster(api, [])


def test_a_kubeconfig_of_nothing_is_unreachable() -> None:
    with pytest.raises(UnreachableError, match="its kubeconfig cannot be used"), connected(SecretStr("a: b")):
        pass


@pytest.mark.parametrize(
    ("metadata", "when"),
    [
        ({}, None),
        ({"creationTimestamp": "2026-11-26T10:00:00Z"}, datetime(2026, 11, 26, 10, tzinfo=UTC)),
        (
            {
                "creationTimestamp": "2026-11-26T10:00:00Z",
                "managedFields": [{"time": "2026-11-26T11:00:00Z"}, {"manager": "x"}],
            },
            datetime(2026, 11, 26, 11, tzinfo=UTC),
        ),
    ],
)
def test_when_an_object_was_last_written_is_read_of_its_managers(
    metadata: dict[str, Any], when: datetime | None
) -> None:
    assert written(metadata) == when
