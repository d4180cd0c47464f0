"""The ingress asked by HTTPS: a real server on loopback whose certificate a CA of the test signed."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from server_certificates import Wanted, ca, files, pem

from multimesh.contract import Https as Served
from multimesh.contract import VerifyMeshOutputs, VerifyOutputs
from multimesh.verify.answers import Answer, Failure
from multimesh.verify.https import Https, not_redirected, of_service
from multimesh.verify.ingress import ask_ingress

CA = ca("root")
ROOT_PEM = pem(CA.certificate).decode()


class Handler(BaseHTTPRequestHandler):
    location = ""

    def do_GET(self) -> None:
        self.send_response(301 if self.location else 200)
        if self.location:
            self.send_header("Location", self.location)
        self.end_headers()
        self.wfile.write(f"Cluster=east of {self.headers['Host']}\n".encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(tls: dict[str, str] | None = None, location: str = "") -> Iterator[str]:
    """The address of a server that answers by HTTPS with these files, or redirects plain HTTP to `location`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handling", (Handler,), {"location": location}))
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls["certificate"], tls["key"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def tls(tmp_path: Path) -> dict[str, str]:
    wanted = Wanted()
    return files(tmp_path, pem(wanted.signed_by(CA)), wanted.key)


def test_the_host_is_named_in_the_handshake_and_in_the_request(tls: dict[str, str]) -> None:
    with serving(tls) as at:
        [outcome] = ask_ingress(f"https://{at}/", 1, https=Https("shop.example", ROOT_PEM))
    assert isinstance(outcome, Answer)
    assert outcome.mesh == "east of shop.example"


@pytest.mark.parametrize(
    ("https", "reason"),
    [
        (Https("bank.example", ROOT_PEM), "Hostname mismatch"),
        (Https("shop.example", None), "unable to get local issuer certificate"),
        (Https("shop.example", pem(ca("other").certificate).decode()), "certificate verify failed"),
    ],
)
def test_a_certificate_that_does_not_prove_the_host_is_a_failure(
    https: Https, reason: str, tls: dict[str, str]
) -> None:
    with serving(tls) as at:
        [outcome] = ask_ingress(f"https://{at}/", 1, https=https)
    assert isinstance(outcome, Failure)
    assert reason in outcome.reason


def test_a_redirect_to_the_same_host_is_right() -> None:
    with serving(location="https://shop.example:30443/") as at:
        assert not_redirected(f"http://{at}", "https://10.0.0.1:30443", "shop.example") is None


@pytest.mark.parametrize(("location", "said"), [("", "200"), ("https://bank.example/", "301 https://bank.example/")])
def test_another_answer_to_plain_http_is_a_finding(location: str, said: str) -> None:
    with serving(location=location) as at:
        finding = not_redirected(f"http://{at}", "https://10.0.0.1", "shop.example")
    assert finding == f"plain HTTP is not redirected to https://shop.example/: {said}"


def outputs(served: Served | None) -> VerifyOutputs:
    mesh = VerifyMeshOutputs(ingress_url="", gateway_address="", gateway_port=1, trust_domain="", ca_expires="")
    return VerifyOutputs(
        meshes={"east": mesh}, root_ca=ROOT_PEM, root_ca_fingerprint="", services={}, kubeconfigs={}, https=served
    )


@pytest.mark.parametrize(
    ("served", "asked"),
    [
        (None, None),
        (Served(hosts={"shop.example": "web.shop.global"}, signed_by_root=True, redirect=True), None),
        (
            Served(hosts={"*.example": "echo.demo.global"}, signed_by_root=True, redirect=True),
            Https("multimesh.example", ROOT_PEM),
        ),
        (
            Served(hosts={"shop.example": "echo.demo.global"}, signed_by_root=False, redirect=True),
            Https("shop.example", None),
        ),
    ],
)
def test_a_host_that_leads_to_the_service_is_asked(served: Served | None, asked: Https | None) -> None:
    assert of_service(outputs(served), "echo.demo.global") == asked
