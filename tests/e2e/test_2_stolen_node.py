"""What the thief of a node has of a mesh, and what each step of the drill in docs/security.md ends.

The thief is root on the node: the tokens of its pods are there, and istiod signs for who has one. His certificate
outlives the token; its end is the revocation of the mesh's CA (test_4_revoked_ca.py).
"""

import base64
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509

from lab import paths
from lab.processes import Process
from lab.stack import Stack
from tests.e2e import verifiers
from tests.e2e.peer import ask
from tests.e2e.shop.kubectl import Kubectl, kubectls
from tests.e2e.signing_istiod import reached, signed

ECHO = "outbound_.80_._.echo.demo.svc.cluster.local"
TOKEN = "volumes/kubernetes.io~projected/istio-token/istio-token"


class Stolen:
    """The node of mesh east: what its pods have, and the way to istiod."""

    def __init__(self, stack: Stack, api: Any, istiod: str) -> None:
        self.stack, self.api, self.istiod = stack, api, istiod
        self.root = stack.outputs().root_ca
        kubelet = Process.read(paths.RUN / stack.labs()["east"]["id"] / "processes/kubelet")
        assert kubelet
        self._pods = Path(f"/proc/{kubelet.pid}/root/var/lib/kubelet/pods")  # in memory, of the node's own mounts

    def pod(self) -> Any:
        """The pod of echo that is not being deleted."""
        pods = self.api.list_namespaced_pod("demo", label_selector="app=echo").items
        return next(pod for pod in pods if pod.metadata.deletion_timestamp is None)

    def token(self) -> str:
        return (self._pods / self.pod().metadata.uid / TOKEN).read_text()

    def certificate(self, token: str, folder: Path) -> Path:
        return signed(self.istiod, self.root, token, folder)

    def is_served_in_west(self, client: Path) -> bool:
        west = self.stack.outputs().meshes["west"]
        address = (west.gateway_address, west.gateway_port)
        return ask(address, ECHO, self.root, client).startswith(b"HTTP/1.1 200")


@pytest.fixture(scope="module")
def stolen(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stolen]:
    kubectl: Kubectl = kubectls(stack, tmp_path_factory.mktemp("kubectl"))["east"]
    with stack.api("east") as api, reached(kubectl) as istiod:
        yield Stolen(stack, api, istiod)


def test_openssl_and_go_accept_the_meshs_ca_and_what_istiod_signs(stolen: Stolen, tmp_path: Path) -> None:
    secret = stolen.api.read_namespaced_secret("cacerts", "istio-system").data
    authority = base64.b64decode(secret["ca-cert.pem"]).decode()
    workload = stolen.certificate(stolen.token(), tmp_path).read_text()
    leaf = workload[workload.index("-----BEGIN CERTIFICATE") :]
    assert verifiers.refusals(tmp_path, stolen.root, authority, authority) == []
    assert verifiers.refusals(tmp_path, stolen.root, authority, leaf) == []


def test_a_pods_token_gets_its_certificate_until_the_pod_is_deleted_and_the_certificate_stays(
    stolen: Stolen, tmp_path: Path
) -> None:
    token = stolen.token()
    client = stolen.certificate(token, tmp_path)
    assert stolen.is_served_in_west(client)
    certificate = x509.load_pem_x509_certificate(client.read_bytes())
    lasts = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert timedelta(hours=24) <= lasts < timedelta(hours=25)

    pod = stolen.pod().metadata.name
    stolen.api.delete_namespaced_pod(pod, "demo", grace_period_seconds=0)  # as the deletion of its node does
    deadline = time.monotonic() + 60
    refused: grpc.RpcError | None = None
    while refused is None and time.monotonic() < deadline:
        try:
            stolen.certificate(token, tmp_path)
            time.sleep(1)
        except grpc.RpcError as error:
            refused = error
    assert refused is not None
    assert refused.code() == grpc.StatusCode.UNAUTHENTICATED

    assert stolen.is_served_in_west(client), "no list names one certificate"
    assert stolen.stack.settled() == []
