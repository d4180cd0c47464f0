"""Services with a port for each protocol, of Istio's echo server, and requests to them."""

from typing import Any

from tests.e2e.shop import echoes, programs
from tests.e2e.shop.echoes import INSIDE, REQUESTS, Echoes
from tests.e2e.shop.kubectl import Kubectl, Pod
from tests.e2e.shop.objects import Manifest, deployment, echo_container, namespace, port, service

PROTOCOLS = {
    "http": "http://{}/",
    "websocket": "ws://{}/",
    "grpc": "grpc://{}:7070",
    "tcp": "tcp://{}:6379",
    "tls": "https://{}:8443/",
}
"""The URL by which each protocol is asked."""
WEIGHTS = {"east": 80, "west": 20}
TLS_NAME = "secure.shop.global"
"""The name in the application's certificate."""

_TRUST = ("--ca=/etc/tls/tls.crt", f"--server-name={TLS_NAME}")


def workloads(mesh: str, tls: Manifest) -> list[Manifest]:
    """Return what runs in one mesh: Services for all callers over the same pods, and `guarded` over its own.

    `tls` is the Secret with the certificate of `TLS_NAME`.
    """
    return [namespace("shop"), tls, *pods(mesh), *services("even", "weighted"), *programs.client()]


def pods(mesh: str) -> list[Manifest]:
    """Return Deployments `app`, whose pods may ask with the application's certificate, and `guarded`."""
    made = [server(name, mesh) for name in ("app", "guarded")]
    return [*made, service("guarded", "guarded", *ports())]


def server(name: str, mesh: str, *arguments: str, **more: Any) -> Manifest:
    """Return a Deployment of the echo server on the ports of all protocols; `more` is of its container."""
    tls = ["--port=8443", "--tls=8443", "--crt=/etc/tls/tls.crt", "--key=/etc/tls/tls.key"]
    mounted = {"volumeMounts": [{"name": "tls", "mountPath": "/etc/tls"}]}
    container = echo_container(mesh, *tls, "--grpc=7070", "--tcp=6379", *arguments, **mounted, **more)
    return deployment(name, container, volumes=[{"name": "tls", "secret": {"secretName": "tls"}}])


def services(*names: str) -> list[Manifest]:
    """Return Services in front of Deployment `app`."""
    return [service(name, "app", *ports()) for name in names]


def ports() -> list[Manifest]:
    """Return a Service's port for each protocol: 80 for HTTP and WebSocket."""
    return [port(80, 8080, "http"), port(7070, 7070, "grpc"), port(6379, 6379, "tcp"), port(8443, 8443, "https")]


def exported(name: str, **settings: Any) -> dict[str, Any]:
    """Return the entry of one of these Services in `multimesh:services`, half of it in each mesh."""
    half = {"east": 50, "west": 50}
    return {"name": name, "namespace": "shop", "ports": [80, 7070, 6379, 8443], "meshes": half, **settings}


def ask(kubectl: Kubectl, protocol: str, host: str, caller: Pod = INSIDE, requests: int = REQUESTS) -> Echoes:
    """Send requests to one port of a host."""
    options = _TRUST if protocol == "tls" and caller == INSIDE else ("--insecure-skip-verify",) * (protocol == "tls")
    return echoes.ask(kubectl, PROTOCOLS[protocol].format(host), *options, caller=caller, requests=requests)


def by_weight(echoes: Echoes) -> bool:
    """Whether 100 requests were answered about as `WEIGHTS` say: by chance, 1 in 2000 times it is none of these."""
    return echoes.meshes.total() == 100 and 7 <= echoes.meshes["west"] <= 34


def refused(echoes: Echoes) -> bool:
    """Whether nobody answered: 403 of HTTP, an error of everything else."""
    errors = f"{REQUESTS}/{REQUESTS} requests had errors" in echoes.text
    return not echoes.meshes and (errors or echoes.values("StatusCode") == ["403"] * REQUESTS)
