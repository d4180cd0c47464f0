"""HTTPS at the ingress: with a certificate of the root, of one's own, and of a Secret that somebody else fills."""

import base64
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from kubernetes import client

from lab.stack import Stack
from tests.e2e import public_ca, verifiers

HOST = "echo.example"


def set_ingress(stack: Stack, tls: dict[str, Any] | None) -> None:
    """Set where the certificate comes from, and run `up`; None takes HTTPS away."""

    def change(config: dict[str, Any]) -> None:
        config.pop("multimesh:ingress", None)
        if tls is not None:
            config["multimesh:ingress"] = {"hosts": [HOST], "tls": tls}

    stack.configure(change)
    stack.up()


@pytest.fixture(scope="module", autouse=True)
def https(stack: Stack) -> Iterator[None]:
    """HTTPS with a certificate of the root; plain HTTP again at the end."""
    set_ingress(stack, {"issuer": "root"})
    assert stack.settled() == []
    yield
    set_ingress(stack, None)
    assert stack.settled() == []


def address(stack: Stack, mesh: str) -> tuple[str, int]:
    url = httpx.URL(stack.outputs().meshes[mesh].https_url or "")
    return url.host, url.port or 443


def get(stack: Stack, mesh: str, trusted: ssl.SSLContext) -> str:
    """Return the body of an answer by HTTPS, the chain and the host checked."""
    host, port = address(stack, mesh)
    with httpx.Client(verify=trusted, trust_env=False) as asking:
        answer = asking.get(
            f"https://{host}:{port}/", headers={"Host": HOST}, extensions={"sni_hostname": HOST}, timeout=5
        )
    assert answer.status_code == 200
    return answer.text


def test_the_stack_answers_by_https_as_configured(stack: Stack) -> None:
    report = stack.verify()
    assert report["findings"] == []
    asked = {verdict["url"] for verdict in report["verdicts"] if verdict["path"] == "ingress"}
    assert len(asked) == 2
    assert all(url.startswith("https://") for url in asked)


def test_openssl_and_go_accept_the_certificate(stack: Stack, tmp_path: Path) -> None:
    root = stack.outputs().root_ca
    with (
        socket.create_connection(address(stack, "east"), timeout=10) as plain,
        ssl.create_default_context(cadata=root).wrap_socket(plain, server_hostname=HOST) as connection,
    ):
        served = ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True) or b"")
    assert verifiers.refusals(tmp_path, root, root, served) == []


def test_no_account_of_the_gateways_pod_may_read_secrets(stack: Stack) -> None:
    with stack.api("east") as api:
        [gateway] = api.list_namespaced_pod("istio-system", label_selector="istio=ingressgateway").items
        user = f"system:serviceaccount:istio-system:{gateway.spec.service_account_name}"
        review: Any = client.AuthorizationV1Api(api.api_client)
        asked = {"namespace": "istio-system", "resource": "secrets"}
        allowed = [
            review.create_subject_access_review(
                {
                    "spec": {
                        "user": user,
                        "groups": ["system:serviceaccounts"],
                        "resourceAttributes": {**asked, "verb": verb},
                    }
                }
            ).status.allowed
            for verb in ("get", "list", "watch")
        ]
    assert allowed == [False] * 3


def test_an_up_changes_nothing(stack: Stack) -> None:
    stack.up("--expect-no-changes")


def test_the_key_is_not_in_the_clear_in_the_state(stack: Stack) -> None:
    assert not re.findall(r"PRIVATE KEY", stack.state())


def test_who_does_not_know_the_root_refuses_the_certificate(stack: Stack) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        get(stack, "east", ssl.create_default_context())


def test_plain_http_is_redirected(stack: Stack) -> None:
    answer = httpx.get(stack.outputs().meshes["west"].ingress_url + "/a?b=c", headers={"Host": HOST}, timeout=5)
    assert (answer.status_code, answer.headers["location"]) == (
        301,
        f"https://{HOST}:{address(stack, 'west')[1]}/a?b=c",
    )


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("version", "taken"), [("TLSv1_1", False), ("TLSv1_2", True)])
def test_tls_1_2_is_the_least(stack: Stack, version: str, taken: bool) -> None:
    old = ssl.create_default_context(cadata=stack.outputs().root_ca)
    old.set_ciphers("DEFAULT:@SECLEVEL=0")  # else OpenSSL itself would refuse
    old.minimum_version = old.maximum_version = ssl.TLSVersion[version]
    with socket.create_connection(address(stack, "east"), timeout=5) as raw:
        if taken:
            with old.wrap_socket(raw, server_hostname=HOST) as secure:
                assert secure.version() == "TLSv1.2"
        else:
            with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
                old.wrap_socket(raw, server_hostname=HOST)


def test_a_certificate_of_ones_own_is_served_with_its_chain(stack: Stack, tmp_path: Path) -> None:
    ca = public_ca.PublicCa()
    set_ingress(stack, ca.files(HOST, tmp_path))
    for mesh in ("east", "west"):
        assert "Cluster=" in eventually(lambda mesh=mesh: get(stack, mesh, ca.trusted()))


def test_a_secret_that_is_missing_is_said_and_served_once_it_is_there(stack: Stack) -> None:
    ca = public_ca.PublicCa()
    set_ingress(stack, {"secret": "shop-tls"})
    command = ["pulumi", "preview", "--stack", stack.name, "--non-interactive", "--color=never"]
    previewed = subprocess.run(command, cwd=stack.project, env=stack.environment, capture_output=True, text=True).stdout
    assert "mesh east: Secret istio-system/shop-tls is not there" in previewed
    chain, key = ca.issue(HOST)
    with stack.api("east") as api:
        body = client.V1Secret(
            metadata=client.V1ObjectMeta(name="shop-tls"),
            type="kubernetes.io/tls",
            data={name: base64.b64encode(pem).decode() for name, pem in (("tls.crt", chain), ("tls.key", key))},
        )
        api.create_namespaced_secret("istio-system", body)
    assert "Cluster=" in eventually(lambda: get(stack, "east", ca.trusted()))


def eventually(ask: Callable[[], str], seconds: float = 180) -> str:
    """Repeat what fails to connect until it does not, for so many seconds: kubelets write files of Secrets late."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
