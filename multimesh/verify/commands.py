"""What is sent to a port of any service: a command of Istio's echo client, and to which ports at once."""

from collections.abc import Sequence

from multimesh.verify.echo_client import CLIENT, PER_SECOND
from multimesh.verify.selection import Port

MOST_REQUESTS, MOST_CONNECTIONS = 40, 20
"""To one port. The client opens no more than 20 connections at a time, and here they stay open until it ends."""
REQUESTS_END, CONNECTIONS_END = 10, 3
"""Seconds after which the client gives up; 3 are enough for four attempts to connect (500 ms each, and pauses)."""
CONNECTIONS = ("tcp", "tls")
"""Protocols of which verify opens connections alone."""
TOGETHER = 10
"""To how many ports connections are opened at the same time."""
UNKNOWN_METHOD = "/multimesh.Verify/Ask"
"""The gRPC method that is called: no service has it, so that each answers Unimplemented and does nothing."""

_OPTIONS = {
    "http2": ["--http2"],
    "grpc": ["--http2", "--method=POST", "--header=content-type: application/grpc", "--header=te: trailers"],
}


def how_many(port: Port, requests: int) -> int:
    """Return how many of the wanted `requests` are sent to a port: at most 40, and 20 if they are connections."""
    return min(requests, MOST_CONNECTIONS if port.protocol in CONNECTIONS else MOST_REQUESTS)


def in_groups(ports: Sequence[Port]) -> list[Sequence[Port]]:
    """Return the ports in groups that are asked at the same time.

    Requests to one port at a time, so that they are not slowed by others; then connections, which all wait for 3 s, to
    ten ports at a time.
    """
    connections = [port for port in ports if port.protocol in CONNECTIONS]
    groups: list[Sequence[Port]] = [[port] for port in ports if port.protocol not in CONNECTIONS]
    return groups + [connections[start : start + TOGETHER] for start in range(0, len(connections), TOGETHER)]


def command(port: Port, requests: int) -> list[str]:
    """Return the command that sends `requests` requests to a port, or opens as many connections.

    An HTTP port gets `GET /`, a gRPC port a call of a method that no service has, any other port a connection on which
    nothing is sent.
    """
    if port.protocol in CONNECTIONS:
        # The client would wait for a line of the server before it sends anything, and there is none.
        options = ["--server-first", f"--timeout={CONNECTIONS_END}s"]
        return [CLIENT, f"tcp://{port.address}", f"--count={requests}", *options]
    path = UNKNOWN_METHOD if port.protocol == "grpc" else "/"
    options = [f"--qps={PER_SECOND}", f"--timeout={REQUESTS_END}s", *_OPTIONS.get(port.protocol, [])]
    return [CLIENT, f"http://{port.address}{path}", f"--count={requests}", *options]
