"""How to break a stack in one way at a time, and look at it by `multimesh check`."""

import base64
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from kubernetes.client import ApiClient

from components.trust import signing
from lab import cluster, programs
from lab.stack import Stack
from multimesh.check.made import made
from multimesh.check.result import Outcome
from multimesh.check.run import check_stack
from tests.faults.breaks import packets_dropped
from tests.faults.edits import Object, call, changed, created, deleted

GLOBAL, LOCAL = "echo.demo.global", "echo.demo.svc.cluster.local"
NETWORKING = "/apis/networking.istio.io/v1/namespaces"
SECURITY = "/apis/security.istio.io/v1/namespaces"
ENTRY = f"{NETWORKING}/istio-system/serviceentries/{GLOBAL}"
RULE = f"{NETWORKING}/istio-system/destinationrules/{GLOBAL}"
ROUTE = f"{NETWORKING}/istio-system/virtualservices/{GLOBAL}"
GATEWAY = f"{NETWORKING}/istio-system/gateways/peers"
GATEWAY_SERVICE = "/api/v1/namespaces/istio-system/services/istio-ingressgateway"
CONFIG = "/api/v1/namespaces/istio-system/configmaps/istio"
CACERTS = "/api/v1/namespaces/istio-system/secrets/cacerts"
FILTERS = "/apis/networking.istio.io/v1alpha3/namespaces/istio-system/envoyfilters"
ENVOY_FILTERS = "/apis/networking.istio.io/v1alpha3/namespaces"
POLICIES_NOT_HELD = {
    "workloadSelector": {"labels": {"app": "echo"}},
    "configPatches": [
        {
            "applyTo": "HTTP_FILTER",
            "match": {
                "context": "SIDECAR_INBOUND",
                "listener": {
                    "filterChain": {
                        "filter": {
                            "name": "envoy.filters.network.http_connection_manager",
                            "subFilter": {"name": "envoy.filters.http.rbac"},
                        }
                    }
                },
            },
            "patch": {"operation": "REMOVE"},
        }
    ],
}
"""An EnvoyFilter that takes the filter of AuthorizationPolicies away."""
DEPLOYMENTS = "/apis/apps/v1/namespaces"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"

Fault = Callable[["Place"], AbstractContextManager[Any]]


class Place:
    """The stack, and the API servers of both meshes."""

    def __init__(self, stack: Stack, east: ApiClient, west: ApiClient) -> None:
        self.stack, self.east, self.west = stack, east, west
        self.outputs, self.made = stack.outputs(), made(stack.state())

    def check(self) -> list[Outcome]:
        """Look at everything once."""
        return check_stack(self.outputs, self.made, [], [], lambda _: None)

    def settled(self, seconds: float = 60) -> list[str]:
        """Look until nothing is wrong or `seconds` are over; return what still is."""
        deadline = time.monotonic() + seconds
        while (wrong := failures(self.check())) and time.monotonic() < deadline:
            time.sleep(1)
        return wrong


def failures(outcomes: list[Outcome]) -> list[str]:
    return [f"{one.check.anchor}: {problem.cause}" for one in outcomes if one.failed for problem in one.problems]


def edit(path: str, change: Callable[[Object], Any]) -> Fault:
    return lambda place: changed(place.east, path, change)


def gone(path: str) -> Fault:
    return lambda place: deleted(place.east, path)


def foreign(kind: str, plural: str, spec: Object, *, namespace: str = "demo", api: str = NETWORKING) -> Fault:
    return lambda place: created(place.east, f"{api}/{namespace}/{plural}", kind, "somebodys", spec)


def scaled_to_0(namespace: str, name: str) -> Fault:
    @contextmanager
    def scaled(place: Place) -> Iterator[None]:
        path = f"{DEPLOYMENTS}/{namespace}/deployments/{name}"

        def ready() -> int:
            return call(place.east, "GET", path).get("status", {}).get("readyReplicas", 0)

        with changed(place.east, f"{path}/scale", lambda scale: scale["spec"].update(replicas=0)):
            _await(lambda: not ready())
            yield
        _await(lambda: bool(ready()))

    return scaled


def _await(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def mesh_config(old: str, new: str) -> Fault:
    def change(found: Object) -> None:
        assert old in found["data"]["mesh"]
        found["data"]["mesh"] = found["data"]["mesh"].replace(old, new)

    return edit(CONFIG, change)


@contextmanager
def ca_without_its_key(place: Place) -> Iterator[None]:
    """A CA of east under the stack's root in `cacerts`, beside the key of the one before: istiod cannot take it."""
    resources = json.loads(place.stack.state("--show-secrets"))["deployment"]["resources"]
    [kept] = [one["outputs"] for one in resources if one["urn"].endswith("::root-key")]
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "another")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    pem = request.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    root, key = place.outputs.root_ca, json.loads(kept["privateKeyPem"]["plaintext"])
    certificate = signing.sign(pem, root, key, ["east.mesh"], 1, datetime.now(UTC)).certificate_pem
    files = {"ca-cert.pem": certificate, "cert-chain.pem": certificate + root}
    data = {file: base64.b64encode(text.encode()).decode() for file, text in files.items()}
    with changed(place.east, CACERTS, lambda secret: secret["data"].update(data)):
        yield


@contextmanager
def cas_exchanged(place: Place) -> Iterator[None]:
    data = call(place.west, "GET", CACERTS)["data"]
    with changed(place.east, CACERTS, lambda secret: secret.update(data=data)):
        yield


def link_dropped(place: Place) -> AbstractContextManager[None]:
    labs = place.stack.labs()
    return packets_dropped(labs["east"]["id"], labs["west"]["id"])


@contextmanager
def kube_proxy_ended(place: Place) -> Iterator[None]:
    id = place.stack.labs()["east"]["id"]
    programs.end(id, "kube-proxy")
    yield
    cluster.start(id, place.stack.show)


@contextmanager
def lock_left(place: Place) -> Iterator[None]:
    with subprocess.Popen(["true"]) as ended:
        pass
    folder = place.stack.backend / ".pulumi/locks/organization" / place.made.stack
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "left.json"
    said = {"pid": ended.pid, "username": "root", "hostname": socket.gethostname(), "timestamp": "2026-11-26T12:00:00Z"}
    lock.write_text(json.dumps(said))
    yield
    lock.unlink()


def certificate_of_nobody(secret: Object) -> None:
    pem = base64.b64decode(secret["data"]["ca-cert.pem"])
    secret["data"]["root-cert.pem"] = base64.b64encode(pem).decode()


def first_port(change: Callable[[Object], Any]) -> Callable[[Object], Any]:
    return lambda found: change(found["spec"]["trafficPolicy"]["portLevelSettings"][0])


def peers_port(service: Object) -> Object:
    return next(port for port in service["spec"]["ports"] if port["port"] == 15443)
