"""What a Service must be to be exported."""

from typing import Any

import pytest

from components.federation.exported_service import ExportedService
from components.federation.workload import UnusableServiceError, Workload, workload

WEB = ExportedService("web", "shop", "global", 80, weights={"east": 1}, callers=[])


def spec(*ports: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {"clusterIP": "10.0.0.1", "selector": {"app": "web"}, "ports": list(ports), **given}


@pytest.mark.parametrize(
    ("target", "port"),
    [(8080, 8080), (8080.0, 8080), (None, 80), ("http", None)],
)
def test_a_service_forwards_to_its_pods_and_their_port(target: Any, port: int | None) -> None:
    assert workload(spec({"port": 80, "targetPort": target}), WEB, "east") == Workload("10.0.0.1", {"app": "web"}, port)


@pytest.mark.parametrize(
    "port",
    [{}, *({"name": name} for name in ("http", "http2", "http-web", "web", "grpc-web", "tcpdump"))]
    + [{"name": "tcp-web", "appProtocol": protocol} for protocol in ("http", "kubernetes.io/ws", "kubernetes.io/h2c")],
)
def test_a_port_that_is_http_or_says_nothing_is_taken(port: dict[str, Any]) -> None:
    assert workload(spec({"port": 80, "targetPort": 8080, **port}), WEB, "east").port == 8080


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_number_that_tcp_and_udp_share_the_tcp_port_is_meant(order: int) -> None:
    ports = [
        {"port": 80, "name": "http", "protocol": "TCP", "targetPort": 8080},
        {"port": 80, "name": "h3", "protocol": "UDP", "targetPort": 8443},
    ]
    assert workload(spec(*ports[::order]), WEB, "east").port == 8080


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (spec({"port": 80}, clusterIP="None"), "Service shop/web in mesh east has no cluster IP"),
        (spec({"port": 80}, selector=None), "Service shop/web in mesh east has no selector"),
        (spec({"port": 8080}, {"port": 9090}), "Service shop/web in mesh east has no port 80; it has: 8080, 9090"),
        (spec(), "it has: none"),
        (
            spec({"port": 80, "protocol": "UDP"}),
            "Service shop/web in mesh east: port 80 is UDP, but only TCP ports can be exported",
        ),
        (spec({"port": 80, "protocol": "SCTP"}), "port 80 is SCTP"),
        *(
            (spec({"port": 80, "name": name}), rf"port 80 is {protocol} \(by its name {name}\), but only HTTP")
            for name, protocol in [
                ("grpc", "grpc"),
                ("grpc-checkout", "grpc"),
                ("https", "https"),
                ("tcp-redis", "tcp"),
                ("redis", "redis"),
                ("TLS-db", "tls"),
            ]
        ),
        (
            spec({"port": 80, "name": "web", "appProtocol": "kubernetes.io/wss"}),
            r"port 80 is kubernetes.io/wss \(by its appProtocol kubernetes.io/wss\), but only HTTP can be exported",
        ),
        (spec({"port": 80, "name": "http", "appProtocol": "grpc"}), r"is grpc \(by its appProtocol grpc\)"),
    ],
)
def test_a_service_that_cannot_be_reached_as_configured_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UnusableServiceError, match=message):
        workload(given, WEB, "east")
