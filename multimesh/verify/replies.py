"""What Istio's echo client says of the replies to its requests, whatever the service."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import FORBIDDEN, INTERNAL_SERVER_ERROR

from multimesh.verify.commands import CONNECTIONS
from multimesh.verify.selection import Port

_LINE = re.compile(r"^\[(\d+)( body)?\] (.*)$")
_CLOSED = re.compile(r"server first TCP read failed: (EOF|.*reset by peer)")
_BY_UPSTREAM = "x-envoy-upstream-service-time"
"""The header that the caller's proxy adds to every response that is not its own."""
_NO_APPLICATION = "upstream connect error or disconnect/reset before headers"
"""How an Envoy's own answer begins when the application behind it accepts no connection or closes it."""
_LONGEST_REASON = 200
_GRPC_DENIED = "7"
_GRPC_SERVER_ERRORS = {"2", "13", "14", "15"}


@dataclass(frozen=True)
class Replies:
    """What became of the requests to one port: those that are in neither count got an ordinary answer."""

    failures: Mapping[str, int] = field(default_factory=dict)
    """Reason -> how many requests got no answer, as far as the client can tell."""
    remarkable: Mapping[str, int] = field(default_factory=dict)
    """Answers that a reader should know of: `refused: 403`, `500`, `grpc-status 13` -> how many."""
    unknown: str = ""
    """Why the client says nothing of any reply (then only the counters know); empty where it says all."""


@dataclass
class _Response:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


def read_replies(port: Port, output: str, reason: str, requests: int) -> Replies:
    """Return what became of the requests to a port, by what the client's `command` printed."""
    read = connection_replies if port.protocol in CONNECTIONS else http_replies
    return read(output, reason.rpartition("first error: ")[2].removeprefix('Get "http:/": '), requests)


def connection_replies(output: str, reason: str, connections: int) -> Replies:
    """Return what the client's log says of connections on which nothing was sent.

    A connection that the other side closes within 3 s is a failure: nothing listens there. The client's exit code says
    nothing, as it never gets the line that it waits for; and it says nothing at all of connections that stayed open.
    """
    if not output or reason.startswith("dial "):
        return Replies({reason: connections})
    closed = sum(1 for line in output.split("\n") if _CLOSED.search(line))
    return Replies({"closed by the other side": closed} if closed else {})


def http_replies(output: str, reason: str, requests: int) -> Replies:
    """Return what the client says of HTTP and gRPC requests; it prints every response, or none if one is missing."""
    responses = _responses(output)
    if len(responses) != requests:
        return Replies(unknown=reason or f"the echo client printed {len(responses)} of {requests} responses")
    failures: Counter[str] = Counter()
    remarkable: Counter[str] = Counter()
    for response in responses:
        if failure := _failure(response):
            failures[failure] += 1
        elif remark := _remark(response):
            remarkable[remark] += 1
    return Replies(dict(failures.most_common()), dict(remarkable.most_common()))


def _responses(output: str) -> list[_Response]:
    responses: dict[str, _Response] = defaultdict(_Response)
    for line in output.split("\n"):
        if not (match := _LINE.match(line)):
            continue
        response, text = responses[match[1]], match[3]
        name, _, value = text.partition("=")
        if match[2]:
            response.body = response.body or text
        elif name == "StatusCode":
            response.status = int(value)
        elif name == "ResponseHeader":
            header, _, content = value.partition(":")
            response.headers[header.lower()] = content
    return list(responses.values())


def _failure(response: _Response) -> str:
    """Return why a response is none of the application's; empty if it is."""
    grpc_status = response.headers.get("grpc-status")
    text = response.headers.get("grpc-message") or response.body
    status = f"grpc-status {grpc_status}" if grpc_status else str(response.status)
    if _BY_UPSTREAM not in response.headers:
        return f"{status} by the caller's proxy: {text}".removesuffix(": ")[:_LONGEST_REASON]
    if text.startswith(_NO_APPLICATION) and (response.status >= INTERNAL_SERVER_ERROR or grpc_status):
        return f"{status} by the service's proxy: {text}"[:_LONGEST_REASON]
    return ""


def _remark(response: _Response) -> str:
    grpc_status = response.headers.get("grpc-status")
    if response.status == FORBIDDEN or grpc_status == _GRPC_DENIED:
        return "refused: 403" if response.status == FORBIDDEN else f"refused: grpc-status {grpc_status}"
    if response.status >= INTERNAL_SERVER_ERROR:
        return str(response.status)
    return f"grpc-status {grpc_status}" if grpc_status in _GRPC_SERVER_ERRORS else ""
