"""The kubeconfig of a GKE cluster, read by the Kubernetes client and Google's own plugin, where that is installed."""

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from kubernetes.config import new_client_from_config_dict

from components.clusters.gke.kubeconfig import PLUGIN, kubeconfig


class _Tokens(BaseHTTPRequestHandler):
    """Google's token endpoint, which gives a token to everyone."""

    def do_POST(self) -> None:
        body = json.dumps({"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Application default credentials for which a server on this machine gives tokens."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    with HTTPServer(("127.0.0.1", 0), _Tokens) as server:
        account = {
            "type": "service_account",
            "client_email": "multimesh@shop-123456.iam.gserviceaccount.com",
            "private_key": pem,
            "private_key_id": "1",
            "token_uri": f"http://127.0.0.1:{server.server_port}/token",
        }
        file = tmp_path / "credentials.json"
        file.write_text(json.dumps(account))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield file
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("credentials")
@pytest.mark.skipif(not shutil.which(PLUGIN), reason=f"{PLUGIN} is not installed")
def test_googles_plugin_turns_application_default_credentials_into_a_token() -> None:
    document = yaml.safe_load(kubeconfig("west", "192.0.2.1", "Q0E="))
    with new_client_from_config_dict(document) as client:
        assert client.configuration.host == "https://192.0.2.1"
        assert "Bearer a-token" in client.configuration.api_key.values()
