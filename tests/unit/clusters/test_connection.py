"""How a client logs in, and what it costs to have one."""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from api_server import kubeconfig, serving

from components.clusters.connection import connected
from components.clusters.kubeconfig import KubeconfigError


class Echo(BaseHTTPRequestHandler):
    """Answers with the credentials that it was given."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write((self.headers.get("Authorization") or "").encode())

    def log_message(self, format: str, *args: Any) -> None: ...


def login(user: dict[str, Any]) -> str:
    """Return the credentials that an API server gets."""
    with serving(Echo) as address, connected(kubeconfig(f"http://{address}", user)) as api:
        answer = api.call_api(*api.param_serialize("GET", "/", auth_settings=["BearerToken"]))
        return answer.read().decode()


def test_a_token_is_sent() -> None:
    assert login({"token": "abc"}) == "Bearer abc"


def test_the_token_of_a_file_is_sent_in_place_of_another(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of the file")
    assert login({"token": "abc", "tokenFile": str(tmp_path / "token")}) == "Bearer of the file"


def test_a_name_and_a_password_are_sent() -> None:
    assert login({"username": "me", "password": "word"}) == "Basic bWU6d29yZA=="


def test_nobody_is_logged_in_without_credentials() -> None:
    assert login({}) == ""


def test_a_token_of_several_lines_is_refused_without_being_shown() -> None:
    with pytest.raises(KubeconfigError, match=r"^has a token that is not one line of text$"):
        login({"token": "hunter2\nhunter3"})


def test_a_user_of_open_id_connect_goes_on_being_logged_in() -> None:
    # A token without an expiry, as {"alg": "none"}.{}: the client's own loader reads it.
    provider = {"name": "oidc", "config": {"id-token": "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln"}}
    assert login({"auth-provider": provider}).startswith("Bearer eyJhbGci")


def test_the_rest_of_the_clients_package_is_imported_only_when_it_is_used() -> None:
    program = """
import sys
from components.clusters.kubernetes_client import import_alone
import_alone()
from kubernetes import client
client.ApiClient()
assert "requests" not in sys.modules
from kubernetes import config, stream
from kubernetes.config.kube_config import KubeConfigLoader
print(config.load_kube_config.__module__, stream.stream.func.__name__, "requests" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert said.split() == ["kubernetes.config.kube_config", "_websocket_request", "True"]
