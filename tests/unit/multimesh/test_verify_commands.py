"""What is sent to a port."""

import pytest

from multimesh.contract import Protocol
from multimesh.verify.commands import command, how_many, in_groups
from multimesh.verify.selection import Port


def port(protocol: Protocol, number: int = 80) -> Port:
    return Port("orders.shop.global", number, protocol, {"east": 1}, "weights")


@pytest.mark.parametrize("protocol", ["http", "grpc-web"])
def test_an_http_port_is_sent_get_requests(protocol: Protocol) -> None:
    assert command(port(protocol), 40) == [
        *["/usr/local/bin/client", "http://orders.shop.global:80/", "--count=40", "--qps=100", "--timeout=10s"]
    ]


def test_an_http2_port_is_sent_get_requests_of_http2() -> None:
    assert command(port("http2"), 40)[-1] == "--http2"


def test_a_grpc_port_is_sent_a_call_that_no_service_has() -> None:
    _, url, *options = command(port("grpc"), 40)
    assert url == "http://orders.shop.global:80/multimesh.Verify/Ask"
    assert {"--http2", "--method=POST", "--header=content-type: application/grpc"} <= set(options)


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_any_other_port_is_connected_to_and_sent_nothing(protocol: Protocol) -> None:
    assert command(port(protocol), 20) == [
        *["/usr/local/bin/client", "tcp://orders.shop.global:80", "--count=20", "--server-first", "--timeout=3s"]
    ]


@pytest.mark.parametrize(
    ("protocol", "wanted", "sent"), [("http", 100, 40), ("http", 7, 7), ("tcp", 100, 20), ("tls", 100, 20)]
)
def test_a_port_gets_no_more_than_it_needs(protocol: Protocol, wanted: int, sent: int) -> None:
    assert how_many(port(protocol), wanted) == sent


def test_ports_are_asked_one_by_one_and_connected_to_ten_at_once() -> None:
    ports = [port(protocol, number) for number in range(1, 13) for protocol in ("tcp", "http")]
    groups = [[port.protocol for port in group] for group in in_groups(ports)]
    assert groups == [["http"]] * 12 + [["tcp"] * 10, ["tcp"] * 2]
