"""Images by digest: asked of a registry on this machine, kept in a file, and what the program makes of it."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from components.clusters.cluster import Platform
from components.clusters.kubeadm import configuration
from components.mesh import charts
from components.mesh.settings import IstioSettings
from components.versions import PAUSE_IMAGE, digests, registry
from components.versions.__main__ import renew

INDEX = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
DIGEST = f"sha256:{hashlib.sha256(INDEX).hexdigest()}"
ELSE = f"sha256:{'1' * 64}"


class Registry(BaseHTTPRequestHandler):
    """Has `a/b:1` as an index; `private/b:1` for a token, and says of `lying/b:1` that it has another digest."""

    def do_GET(self) -> None:
        at = f"http://{self.headers['Host']}"
        path, _, asked = self.path.partition("?")
        private = path.startswith("/v2/private/") and self.headers.get("Authorization") != "Bearer of-nobody"
        if path == "/token" and asked == "service=here&scope=repository%3Aprivate%2Fb%3Apull":
            self.answer(200, b'{"token": "of-nobody"}', {})
        elif private:
            bearer = f'Bearer realm="{at}/token",service="here",scope="repository:private/b:pull"'
            self.answer(401, b"", {"WWW-Authenticate": bearer})
        elif path.endswith("/b/manifests/1") and "vnd.oci.image.index" in self.headers["Accept"]:
            self.answer(200, INDEX, {"Docker-Content-Digest": ELSE if "lying" in path else DIGEST})
        else:
            self.answer(404, b"{}", {})

    def answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def host() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as opened:
        yield opened


@pytest.mark.parametrize("name", ["a/b", "private/b"])
def test_the_digest_is_that_of_what_the_registry_sends(host: str, client: httpx.Client, name: str) -> None:
    assert registry.digest(f"{host}/{name}:1", client) == DIGEST


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a/b:2", "404 Not Found"),
        ("lying/b:1", f"the registry says {ELSE}, and what it sent is {DIGEST}"),
    ],
)
def test_what_a_registry_does_not_vouch_for_has_no_digest(
    host: str, client: httpx.Client, name: str, message: str
) -> None:
    with pytest.raises(registry.RegistryError, match=message):
        registry.digest(f"{host}/{name}", client)


def test_renewing_writes_what_was_found_keeps_what_was_not_and_drops_other_names(
    host: str, client: httpx.Client, tmp_path: Path
) -> None:
    found, missed, new = (f"{host}/a/b:1", f"{host}/a/b:2", f"{host}/a/c:1")
    file = tmp_path / "digests.json"
    file.write_text(json.dumps({found: ELSE, missed: ELSE, "former/b:1": ELSE}))
    first, second = renew(file, [found, missed, new], client)
    assert json.loads(file.read_text()) == {found: DIGEST, missed: ELSE}
    assert first.startswith(f"{missed}: ") and first.endswith(f"It stays pinned as it was: {ELSE}")
    assert second.startswith(f"{new}: ") and second.endswith("It stays pinned as it was: by its tag")


def test_a_registry_that_does_not_answer_changes_nothing(client: httpx.Client, tmp_path: Path) -> None:
    reference = "127.0.0.1:1/a/b:1"
    file = tmp_path / "digests.json"
    file.write_text(json.dumps({reference: ELSE}))
    (line,) = renew(file, [reference], client)
    assert "refused" in line
    assert json.loads(file.read_text()) == {reference: ELSE}


def test_the_file_has_digests_of_images_that_the_program_names_alone() -> None:
    kept = json.loads(digests.FILE.read_text())
    assert set(kept) <= set(digests.named())
    assert all(len(digest) == len(DIGEST) and digest.startswith("sha256:") for digest in kept.values())


@pytest.fixture
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_digests", lambda: dict.fromkeys(digests.named(), DIGEST))


def image(name: str) -> str:
    return f"{digests.istio(name, '1.31.0')}@{DIGEST}"


@pytest.mark.usefixtures("_known")
def test_istios_public_charts_take_their_images_by_digest() -> None:
    values = charts.chosen(Platform(), IstioSettings()).values
    assert values["istiod"]["image"] == image("pilot")
    assert values["istiod"]["global"]["proxy"]["image"] == image("proxyv2")
    assert values["istiod"]["global"]["proxy_init"]["image"] == image("proxyv2")
    assert values["cni"]["image"] == image("install-cni")


@pytest.mark.usefixtures("_known")
@pytest.mark.parametrize(
    "given",
    [
        {"hub": "registry.example/istio"},
        {"tag": "1.31.0-distroless"},
        {"version": "1.30.2"},
        {"charts": "oci://registry.example/charts"},
        {"values": {"istiod": {"global": {"variant": "distroless"}}}},
        {"values": {"istiod": {"global": {"proxy": {"image": "registry.example/proxyv2:1"}}}}},
        {"values": {"cni": {"hub": "registry.example/istio"}}},
    ],
)
def test_images_that_the_user_names_are_left_to_him(given: dict[str, Any]) -> None:
    settings = IstioSettings.model_validate(given)
    assert DIGEST not in json.dumps(charts.chosen(Platform(), settings).values)


def test_without_a_digest_the_charts_name_their_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_digests", dict)
    assert charts.chosen(Platform(), IstioSettings()).values == IstioSettings().values.model_dump()


@pytest.mark.usefixtures("_known")
def test_a_digest_stands_beside_the_tag() -> None:
    assert digests.pinned(PAUSE_IMAGE) == f"{PAUSE_IMAGE}@{DIGEST}"
    assert digests.pinned("registry.example/other:1") == "registry.example/other:1"


def test_kubeadms_nodes_are_told_the_pause_image_as_it_is_pinned() -> None:
    fields = configuration.KubeadmCluster.__dataclass_fields__
    assert fields["pause_image"].default == digests.pinned(PAUSE_IMAGE)
