"""What the echo server and Istio's echo client print."""

import pytest

from multimesh.verify.answers import (
    Answer,
    Failure,
    Outcome,
    cluster_of,
    judge_response,
    milliseconds,
    parse_client_output,
)

CLIENT_OUTPUT = """\
[0] Url=http://echo.demo/
[0] SourceIP=10.201.128.7
[0] Latency=2.174482ms
[0] ActiveRequests=2
[0] StatusCode=200
[0] ResponseHeader=Server:envoy
[0 body] ServiceVersion=
[0 body] Host=echo.demo
[0 body] URL=/
[0 body] Cluster=east
[0 body] RequestHeader=X-Note:Cluster=west
[0 body] Hostname=echo-5d8c7b4f9-x2x7q

[1] Url=http://echo.demo/
[1] Latency=780.5µs
[1] StatusCode=503
[1 body] no healthy upstream

[2] Url=http://echo.demo/
[2] Latency=1.5s
[2] StatusCode=200
[2 body] Cluster=west

2026-11-22T18:56:53.541831Z	info	All 3 requests succeeded
"""


def test_every_request_of_the_client_has_its_outcome() -> None:
    assert parse_client_output(CLIENT_OUTPUT) == [
        Answer("east", 2.174482),
        Failure("503 Service Unavailable"),
        Answer("west", 1500.0),
    ]


def test_requests_are_put_in_the_order_of_their_numbers() -> None:
    text = "".join(f"[{n}] StatusCode=200\n[{n} body] Cluster=m{n}\n" for n in (10, 2, 9))
    assert parse_client_output(text) == [Answer("m2", 0), Answer("m9", 0), Answer("m10", 0)]


def test_output_without_answers_has_no_outcomes() -> None:
    assert parse_client_output("2026-11-22T18:56:54Z\tfatal\tError 3/3 requests had errors\n") == []


def test_a_body_names_its_mesh() -> None:
    assert cluster_of("URL=/\nCluster=east\nHostname=echo-1\n") == "east"


def test_a_header_that_repeats_the_field_names_no_mesh() -> None:
    assert cluster_of("RequestHeader=X-Note:Cluster=west\n") is None


@pytest.mark.parametrize(
    ("status", "cluster", "outcome"),
    [
        (200, "east", Answer("east", 7.0)),
        (200, None, Failure("the answer names no mesh (no line Cluster=)")),
        (200, "", Failure("the answer names no mesh (no line Cluster=)")),
        (403, "east", Failure("403 Forbidden")),
        (599, None, Failure("599")),
    ],
)
def test_only_a_200_that_names_a_mesh_is_an_answer(status: int, cluster: str | None, outcome: Outcome) -> None:
    assert judge_response(status, cluster, 7.0) == outcome


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("2.174482ms", 2.174482),
        ("780.274µs", 0.780274),
        ("1.5s", 1500),
        ("1m2.5s", 62_500),
        ("0s", 0),
        ("12ns", 1.2e-5),
    ],
)
def test_go_durations_are_read_in_milliseconds(duration: str, expected: float) -> None:
    assert milliseconds(duration) == pytest.approx(expected)
