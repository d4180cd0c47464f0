"""The workloads of namespace shop, of the shapes that people federate. Most are Services in front of the same pods."""

from typing import Any

from tests.e2e.shop import mixed, programs
from tests.e2e.shop.objects import Manifest, deployment, echo_container, namespace, port, service

HALF = {"meshes": {"east": 50, "west": 50}}


def workloads(mesh: str, tls: Manifest) -> list[Manifest]:
    """Return everything that runs in one mesh; `tls` is the Secret with the certificate of the Service `secure`."""
    return [
        namespace("shop"),
        namespace("plain", injected=mesh == "west"),
        tls,
        *_echoes(mesh),
        *_services(),
        *mixed.services("weighted"),
        *_canary(),
        *_guarded(mesh),
        *_restricted(mesh),
        *(programs.postgresql(mesh) + programs.redis(mesh) + programs.client()),
        *_of_west_alone(mesh),
    ]


def exports() -> list[dict[str, Any]]:
    """Return the entries of `multimesh:services`."""
    return [
        exported("multi", ports=[80, 8081]),
        mixed.exported("weighted", meshes=mixed.WEIGHTS),
        exported("checkout", port=5050),
        exported("cart", port=6379),
        exported("secure", port=443),
        exported("unnamed", ports=[{"number": 7000, "protocol": "tcp"}]),
        exported("headless", port=8080),
        exported("quic", port=80),
        exported("front", port=80),
        exported("again", port=80),
        exported("missing", port=80),
        exported("bare", port=80) | {"namespace": "plain"},
        exported("narrow", port=80),
        mixed.exported("guarded", callers=["east", "west/ns/shop"]),
        exported("postgres", ports=[{"number": 5432, "protocol": "tcp"}], prefer=["east", "west"]),
        exported("redis", port=6379, prefer="local"),
    ]


def exported(name: str, **settings: Any) -> dict[str, Any]:
    """Return the entry of one Service of namespace shop, half of it in each mesh."""
    return {"name": name, "namespace": "shop", **HALF, **settings}


def again() -> Manifest:
    """The Service that is deleted and created again."""
    return service("again", "app", port(80, 8080, "http"))


def _echoes(mesh: str) -> list[Manifest]:
    tls = ["--port=8443", "--tls=8443", "--crt=/etc/tls/tls.crt", "--key=/etc/tls/tls.key"]
    ports = ["--port=8081", "--port=9090", *tls, "--grpc=7070", "--tcp=6379", "--tcp=7000"]
    mounted = {"volumeMounts": [{"name": "tls", "mountPath": "/etc/tls"}]}
    return [
        deployment(
            name,
            echo_container(mesh, *ports, f"--version={version}", **mounted),
            labels={"app": "app", "version": version},
            volumes=[{"name": "tls", "secret": {"secretName": "tls"}}],
            hostname=host,
            subdomain="headless",
        )
        for name, version, host in (("app", "v1", "one"), ("app-v2", "v2", "two"))
    ]


def _services() -> list[Manifest]:
    return [
        service("multi", "app", port(80, 8080, "http"), port(8081, 8081, "http-two"), port(9090, 9090, "http-admin")),
        service("checkout", "app", port(5050, 7070, "grpc")),
        service("cart", "app", port(6379, 6379, "redis")),
        service("secure", "app", port(443, 8443, "https")),
        service("unnamed", "app", port(7000, 7000)),
        service("headless", "app", port(8080, 8080, "http"), headless=True),
        service("quic", "app", port(80, 8080, "http"), port(80, 8443, "h3", "UDP")),
        again(),
    ]


def _guarded(mesh: str) -> list[Manifest]:
    """Pods with callers of their own, behind named target ports, of which one is not exported."""
    named = [{"name": "web", "containerPort": 8080}, {"name": "mgmt", "containerPort": 9090}]
    _, *others = mixed.ports()
    ports = port(80, "web", "http"), port(9000, "mgmt", "http-mgmt"), *others
    return [mixed.server("guarded", mesh, "--port=9090", ports=named), service("guarded", "guarded", *ports)]


def _restricted(mesh: str) -> list[Manifest]:
    """Two workloads whose owner admits callers of namespace shop alone; `narrow` is exported."""
    made = list[Manifest]()
    for name in ("private", "narrow"):
        rule = {"from": [{"source": {"namespaces": ["shop"]}}]}
        selector = {"matchLabels": {"app": name}}
        policy = _istio("AuthorizationPolicy", name, {"selector": selector, "action": "ALLOW", "rules": [rule]})
        made += [
            deployment(name, echo_container(mesh, "--port=9090", "--tcp=6379")),
            service(name, name, port(80, 8080, "http"), port(9090, 9090, "http-admin")),
            policy | {"apiVersion": "security.istio.io/v1"},
        ]
    return made


def _canary() -> list[Manifest]:
    """A Service whose owner sends requests with a header to version 2, and all others to version 1."""
    host = "front.shop.svc.cluster.local"
    routes = [
        {"match": [{"headers": {"x-canary": {"exact": "yes"}}}], "route": [_to(host, "v2")]},
        {"route": [_to(host, "v1")]},
    ]
    subsets = [{"name": version, "labels": {"version": version}} for version in ("v1", "v2")]
    return [
        service("front", "app", port(80, 8080, "http")),
        _istio("VirtualService", "front", {"hosts": [host], "http": routes}),
        _istio("DestinationRule", "front", {"host": host, "subsets": subsets}),
    ]


def _of_west_alone(mesh: str) -> list[Manifest]:
    """A Service whose pods in east have no sidecar, and one that east does not have."""
    found = [
        deployment("bare", echo_container(mesh), namespace="plain"),
        service("bare", "bare", port(80, 8080, "http"), namespace="plain"),
    ]
    return [*found, *([service("missing", "app", port(80, 8080, "http"))] if mesh == "west" else [])]


def _to(host: str, subset: str) -> Manifest:
    return {"destination": {"host": host, "subset": subset}}


def _istio(kind: str, name: str, spec: Manifest) -> Manifest:
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": metadata, "spec": spec}
