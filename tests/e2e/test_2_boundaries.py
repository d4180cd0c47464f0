"""Who may reach what, tried by hand: raw TLS from this machine to the peers' port of a gateway."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from kubernetes import client
from kubernetes.stream import stream

from lab.stack import Stack
from multimesh.contract import VerifyOutputs
from tests.e2e.peer import Issuer, ask, ask_in_plaintext

EXPORTED = "outbound_.80_._.echo.demo.svc.cluster.local"
REFUSED = r"(?i)EOF|reset"
NOT_EXPORTED = "outbound_.80_._.unexported.demo.svc.cluster.local"


class East:
    """The gateway of mesh east, and an authority that issues what the mesh's own issues."""

    def __init__(self, outputs: VerifyOutputs, api: Any) -> None:
        about = outputs.meshes["east"]
        self.gateway = (about.gateway_address, about.gateway_port)
        self.ingress = about.ingress_url
        self.root = outputs.root_ca
        self.identity = f"spiffe://{about.trust_domain}/ns/demo/sa/echo"
        self.api = api
        secret = api.read_namespaced_secret("cacerts", "istio-system").data or {}
        pem = {name: base64.b64decode(value) for name, value in secret.items()}
        self.issuer = Issuer.load(pem["ca-cert.pem"], pem["ca-key.pem"], pem["cert-chain.pem"])


@pytest.fixture(scope="module")
def east(stack: Stack) -> Iterator[East]:
    with stack.api("east") as api:
        yield East(stack.outputs(), api)


@pytest.fixture
def unexported(east: East) -> Iterator[None]:
    """A Service in front of the very pods of echo, that no configuration exports."""
    spec = client.V1ServiceSpec(
        selector={"app": "echo"}, ports=[client.V1ServicePort(name="http", port=80, target_port=8080)]
    )
    service = client.V1Service(metadata=client.V1ObjectMeta(name="unexported"), spec=spec)
    east.api.create_namespaced_service("demo", service)
    yield
    east.api.delete_namespaced_service("unexported", "demo")


@pytest.fixture
def bystander(east: East) -> Iterator[str]:
    """The name of a pod next to echo, of the same image, that is not part of the mesh: it has no sidecar."""
    [echo, *_] = east.api.list_namespaced_pod("demo", label_selector="app=echo").items
    [image] = [container.image for container in echo.spec.containers if container.name == "app"]
    metadata = {"name": "bystander", "labels": {"sidecar.istio.io/inject": "false"}}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [{"name": "app", "image": image}]}
    east.api.create_namespaced_pod("demo", {"metadata": metadata, "spec": spec})
    deadline = time.monotonic() + 60
    while east.api.read_namespaced_pod("bystander", "demo").status.phase != "Running" and time.monotonic() < deadline:
        time.sleep(0.2)
    yield "bystander"
    east.api.delete_namespaced_pod("bystander", "demo")


def said_by(east: East, pod: str, namespace: str, command: list[str], **options: Any) -> str:
    """What a command in a pod prints."""
    asked = {"command": command, "stdout": True, "stderr": True, "_preload_content": False, **options}
    session = stream(east.api.connect_get_namespaced_pod_exec, pod, namespace, **asked)
    session.run_forever(timeout=20)
    said = session.read_all()
    session.sock.shutdown()  # close() does nothing once the server has closed the WebSocket
    return str(said)


def test_a_peer_with_a_certificate_of_the_root_is_served(east: East, tmp_path: Path) -> None:
    answer = ask(east.gateway, EXPORTED, east.root, east.issuer.issue(east.identity, tmp_path))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"Cluster=east" in answer


@pytest.mark.usefixtures("unexported")
def test_a_service_that_is_not_exported_cannot_be_reached(east: East, tmp_path: Path) -> None:
    peer = east.issuer.issue(east.identity, tmp_path)
    for _ in range(12):  # 3 seconds, in which the gateway would learn of it
        with pytest.raises(OSError, match=REFUSED):
            ask(east.gateway, NOT_EXPORTED, east.root, peer)
        time.sleep(0.25)


@pytest.mark.parametrize(
    "sni",
    [
        "outbound_.15012_._.istiod.istio-system.svc.cluster.local",
        "outbound_.443_._.kubernetes.default.svc.cluster.local",
        "echo.demo.svc.cluster.local",
    ],
)
def test_nothing_else_of_the_cluster_can_be_reached(east: East, sni: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=REFUSED):
        ask(east.gateway, sni, east.root, east.issuer.issue(east.identity, tmp_path))


@pytest.fixture
def tenant(east: East) -> Iterator[None]:
    """A VirtualService in namespace demo that binds to the ingress and answers every host itself."""
    named = ("networking.istio.io", "v1", "demo", "virtualservices")
    custom = client.CustomObjectsApi(east.api.api_client)
    spec = {
        "hosts": ["tenant.example"],
        "gateways": ["istio-system/ingress"],
        "http": [{"directResponse": {"status": 418}}],
    }
    body = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "tenant"}}
    custom.create_namespaced_custom_object(*named, body | {"spec": spec})
    yield
    custom.delete_namespaced_custom_object(*named, "tenant")


@pytest.mark.usefixtures("tenant")
def test_a_route_of_another_namespace_takes_no_request_from_outside(east: East) -> None:
    for _ in range(12):  # 3 seconds, in which the gateway would learn of it
        answer = httpx.get(east.ingress, headers={"Host": "tenant.example"}, timeout=10)
        assert answer.status_code == 200
        time.sleep(0.25)


@pytest.fixture
def tenants_gateway(east: East) -> Iterator[None]:
    """A Gateway in namespace demo that selects the mesh's gateway, with a route that answers its host itself."""
    custom = client.CustomObjectsApi(east.api.api_client)
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["grab.example"]}
    route = {"hosts": ["grab.example"], "gateways": ["grab"], "http": [{"directResponse": {"status": 418}}]}
    made = {
        "gateways": ("Gateway", {"selector": {"istio": "ingressgateway"}, "servers": [server]}),
        "virtualservices": ("VirtualService", route),
    }
    for plural, (kind, spec) in made.items():
        body = {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": {"name": "grab"}, "spec": spec}
        custom.create_namespaced_custom_object("networking.istio.io", "v1", "demo", plural, body)
    yield
    for plural in made:
        custom.delete_namespaced_custom_object("networking.istio.io", "v1", "demo", plural, "grab")


@pytest.mark.usefixtures("tenants_gateway")
def test_a_gateway_of_another_namespace_opens_nothing_at_the_meshs_own(east: East) -> None:
    for _ in range(12):  # 3 seconds, in which the gateway would learn of it
        answer = httpx.get(east.ingress, headers={"Host": "grab.example"}, timeout=10)
        assert answer.status_code == 200
        time.sleep(0.25)


def test_istiod_serves_no_plaintext_to_other_pods(east: East) -> None:
    [istiod] = east.api.list_namespaced_pod("istio-system", label_selector="app=istiod").items
    [gateway] = east.api.list_namespaced_pod("istio-system", label_selector="istio=ingressgateway").items

    def connects(port: int) -> bool:
        command = [
            "bash",
            "-c",
            f"timeout 5 bash -c '</dev/tcp/{istiod.status.pod_ip}/{port}' && echo connected || true",
        ]
        place = (gateway.metadata.name, "istio-system")
        return "connected" in said_by(east, *place, command)

    assert connects(15012), "the test itself can connect"
    assert not connects(15010)


def test_the_gateways_pod_has_no_token_for_the_api_server(east: East) -> None:
    [gateway] = east.api.list_namespaced_pod("istio-system", label_selector="istio=ingressgateway").items
    [proxy] = gateway.spec.containers
    place = "/var/run/secrets"
    command = ["bash", "-c", f"shopt -s nullglob; echo {place}/kubernetes.io/serviceaccount/* {place}/tokens/*"]
    found = said_by(east, gateway.metadata.name, "istio-system", command, container=proxy.name)
    assert found.split() == [f"{place}/tokens/istio-token"], "and the one that it has is for istiod alone"


def test_the_gateway_may_read_no_secrets(east: East) -> None:
    [gateway] = east.api.list_namespaced_pod("istio-system", label_selector="istio=ingressgateway").items
    user = f"system:serviceaccount:istio-system:{gateway.spec.service_account_name}"
    asked = {"namespace": "istio-system", "resource": "secrets", "name": "cacerts", "verb": "get"}
    authorization: Any = client.AuthorizationV1Api(east.api.api_client)
    reviewed = authorization.create_subject_access_review(
        {"spec": {"user": user, "groups": ["system:serviceaccounts"], "resourceAttributes": asked}}
    )
    assert reviewed.status.allowed is False


def test_a_certificate_of_another_root_is_refused(east: East, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"(?i)alert.unknown.ca"):
        ask(east.gateway, EXPORTED, east.root, Issuer.stranger().issue(east.identity, tmp_path))


def test_a_peer_without_a_certificate_is_refused(east: East) -> None:
    with pytest.raises(OSError, match=r"(?i)handshake.failure"):
        ask(east.gateway, EXPORTED, east.root, None)


def test_plaintext_is_refused_at_the_gateway(east: East) -> None:
    try:
        answer = ask_in_plaintext(east.gateway)
    except ConnectionResetError:
        answer = b""
    assert answer == b""


def test_plaintext_is_refused_inside_the_mesh(east: East, bystander: str) -> None:
    command = ["/usr/local/bin/client", "http://echo.demo/", "--timeout=5s"]
    assert "connection reset by peer" in said_by(east, bystander, "demo", command)
