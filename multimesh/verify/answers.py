"""The outcome of a request, read from what the echo server and its client print."""

import re
from collections import defaultdict
from dataclasses import dataclass
from http.client import OK, responses

_LINE = re.compile(r"^\[(?P<request>\d+)(?P<body> body)?\] (?P<field>[^=]+)=(?P<value>.*)$")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|µs|ns)")
_MILLISECONDS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1, "µs": 1e-3, "ns": 1e-6}


@dataclass(frozen=True)
class Answer:
    """A request that was answered: by which mesh, and in how many milliseconds."""

    mesh: str
    milliseconds: float


@dataclass(frozen=True)
class Failure:
    """A request that was not answered as it should be, and the reason."""

    reason: str


Outcome = Answer | Failure


def judge_response(status: int, cluster: str | None, milliseconds: float) -> Outcome:
    """Return the outcome of a request that got an HTTP response; `cluster` is the mesh that its body names."""
    if status != OK:
        return Failure(f"{status} {responses.get(status, '')}".strip())
    if not cluster:
        return Failure("the answer names no mesh (no line Cluster=)")
    return Answer(cluster, milliseconds)


def cluster_of(body: str) -> str | None:
    """Return the mesh that a response body of the echo server names (`Cluster=<mesh>`), None when it names none."""
    return next((line.removeprefix("Cluster=") for line in body.splitlines() if line.startswith("Cluster=")), None)


def parse_client_output(text: str) -> list[Outcome]:
    """Return the outcomes that Istio's echo client prints: one for each request that got a response, in their order.

    Lines are `[<number>] Field=value`, and `[<number> body] Field=value` for what the server answered.
    """
    fields: dict[int, dict[str, str]] = defaultdict(dict)
    for line in text.splitlines():
        if match := _LINE.match(line):
            key = f"body {match['field']}" if match["body"] else match["field"]
            fields[int(match["request"])][key] = match["value"]
    return [
        judge_response(int(seen.get("StatusCode", 0)), seen.get("body Cluster"), milliseconds(seen.get("Latency", "")))
        for _, seen in sorted(fields.items())
    ]


def milliseconds(duration: str) -> float:
    """Return a Go duration such as `1.5s`, `2.17ms` or `780µs` in milliseconds."""
    return sum(float(amount) * _MILLISECONDS[unit] for amount, unit in _DURATION.findall(duration))
