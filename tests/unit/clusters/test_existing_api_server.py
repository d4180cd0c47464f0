"""A kubeconfig that does not open its cluster: what it gets to hear, before anything is made."""

import errno
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from api_server import kubeconfig, serving

from components import preflight, settings
from components.clusters.existing import preflight as existing
from components.clusters.kubeconfig import KubeconfigError, parse


class ApiServer(BaseHTTPRequestHandler):
    """Answers as an API server does to those who have the token, and to strangers."""

    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == "Bearer known"
        self.send_response(200 if known or self.path == "/version/" else 403)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"versions": ["v1"], "serverAddressByClientCIDRs": []}' if known else b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def closed() -> Callable[[], str]:
    """Gives the URL of a server that is gone."""

    def gone() -> str:
        with serving(ApiServer) as address:
            return f"https://{address}"

    return gone


def refusal(config: str) -> str:
    with pytest.raises(KubeconfigError) as caught:
        existing.check(parse(config), timeout=5)
    return str(caught.value)


def test_a_user_who_is_let_in_is_enough() -> None:
    with serving(ApiServer) as address:
        existing.check(parse(kubeconfig(f"http://{address}", {"token": "known"})))


def test_a_user_who_is_not_let_in_is_refused_though_the_version_is_told_to_everybody() -> None:
    with serving(ApiServer) as address:
        server = f"http://{address}"
        assert refusal(kubeconfig(server, {"token": "old"})) == f"{server} rejects the kubeconfig's user: 403 Forbidden"


def test_an_api_server_that_refuses_connections_is_named() -> None:
    with serving(ApiServer) as address:
        pass
    said = f"does not answer: Failed to establish a new connection: [Errno {errno.ECONNREFUSED}] Connection refused"
    assert refusal(kubeconfig(f"https://{address}")) == f"https://{address} {said}"


def test_a_name_that_cannot_be_resolved_is_named() -> None:
    said = refusal(kubeconfig("https://api.invalid"))
    assert said.startswith("https://api.invalid does not answer: Failed to resolve 'api.invalid'")


@pytest.mark.needs("openssl")
def test_a_server_that_the_kubeconfig_does_not_trust_is_said_to_be_that(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=a",
    ]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(ApiServer, context) as address:
        assert refusal(kubeconfig(f"https://{address}")) == f"https://{address} is not trusted: self-signed certificate"


def test_a_missing_file_of_the_kubeconfig_is_named() -> None:
    config = kubeconfig("https://api.invalid", cluster={"certificate-authority": "/no/such/ca.pem"})
    assert refusal(config) == "cluster it: certificate-authority: /no/such/ca.pem: no such file"


def test_a_proxy_that_is_no_url_is_named() -> None:
    config = kubeconfig("https://api.invalid", cluster={"proxy-url": "proxy.example:3128"})
    assert refusal(config).startswith("cluster it: proxy-url: proxy.example:3128: must be a URL")


def test_a_missing_token_file_is_named() -> None:
    assert "/no/such/token" in refusal(kubeconfig("https://api.invalid", {"tokenFile": "/no/such/token"}))


@pytest.mark.parametrize("user", [True, "hunter2"])
def test_a_user_that_is_no_mapping_is_refused_without_being_shown(user: Any) -> None:
    assert refusal(kubeconfig("https://api.invalid", user)) == "user me must be a mapping"


def test_a_certificate_of_rubbish_is_refused_without_being_shown() -> None:
    rubbish = b64encode(b"-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n").decode()
    said = refusal(kubeconfig("https://api.invalid", cluster={"certificate-authority-data": rubbish}))
    assert said == "cluster it: certificate-authority is not a PEM certificate"


def test_a_server_that_is_no_kubernetes_is_said_to_be_that() -> None:
    class Page(ApiServer):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

    with serving(Page) as address:
        said = f"http://{address} does not answer as a Kubernetes API server does"
        assert refusal(kubeconfig(f"http://{address}")) == said


def test_a_missing_credential_plugin_is_named_with_the_hint_of_the_kubeconfig() -> None:
    plugin = {"command": "no-such-plugin", "apiVersion": "client.authentication.k8s.io/v1", "installHint": "Get it.\n"}
    config = kubeconfig("https://api.invalid", {"exec": plugin})
    assert refusal(config) == "its user needs the program no-such-plugin, which is not on PATH: Get it."


def test_a_credential_plugin_that_may_not_be_run_is_named(tmp_path: Path) -> None:
    (program := tmp_path / "log-in").write_text("")
    plugin = {"command": str(program), "apiVersion": "client.authentication.k8s.io/v1"}
    said = f"its user needs the program {program}, which does not exist or may not be run"
    assert refusal(kubeconfig("https://api.invalid", {"exec": plugin})) == said


def test_every_cluster_that_cannot_be_reached_is_named_at_once(closed: Callable[[], str]) -> None:
    servers = {"east": closed(), "west": closed()}
    meshes = {name: {"cluster": {"kind": "existing", "kubeconfig": kubeconfig(at)}} for name, at in servers.items()}
    with pytest.raises(settings.SettingsError) as caught:
        preflight.check(settings.validate({"meshes": meshes}))
    assert str(caught.value).splitlines() == [
        "the stack's configuration has 2 mistakes; nothing was changed:",
        *(
            f"  multimesh:meshes.{name}.cluster.kubeconfig: {server} does not answer: "
            f"Failed to establish a new connection: [Errno {errno.ECONNREFUSED}] Connection refused"
            for name, server in servers.items()
        ),
    ]
