"""What the echo client printed, in a mesh of Istio 1.31, of requests to services of any kind."""

import pytest

from multimesh.verify.replies import Replies, connection_replies, http_replies, read_replies
from multimesh.verify.selection import Port

NO_APPLICATION = (
    "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: "
    "remote connection failure"
)

PORT = Port("orders.shop.global", 80, "http", {"east": 1}, "weights")


def printed(number: int, status: int, *headers: str, body: str = "", upstream: bool = True) -> str:
    lines = [
        f"[{number}] Url=http://orders.shop.global/",
        f"[{number}] Latency=3.2ms",
        f"[{number}] StatusCode={status}",
    ]
    lines += [f"[{number}] ResponseHeader={header}" for header in headers]
    lines += [f"[{number}] ResponseHeader=X-Envoy-Upstream-Service-Time:3"] * upstream
    lines += [f"[{number} body] {line}" for line in body.split("\n") if line]
    return "\n".join(lines) + "\n"


def replies(*responses: str) -> Replies:
    return http_replies("".join(responses), "", len(responses))


def grpc(number: int, status: int, message: str = "", *, upstream: bool = True) -> str:
    return printed(number, 200, f"Grpc-Message:{message}", f"Grpc-Status:{status}", upstream=upstream)


@pytest.mark.parametrize("status", [200, 204, 302, 401, 404])
def test_any_answer_of_an_application_is_an_answer(status: int) -> None:
    assert replies(printed(0, status, body="<html>\n[1] StatusCode=500")) == Replies()


@pytest.mark.parametrize("status", [500, 503])
def test_an_error_of_the_application_is_an_answer_that_is_remarked(status: int) -> None:
    assert replies(printed(0, status, body="out of order"), printed(1, 200)) == Replies(remarkable={str(status): 1})


def test_a_refusal_is_remarked() -> None:
    refused = printed(0, 403, body="RBAC: access denied"), printed(1, 403, body="RBAC: access denied")
    assert replies(*refused) == Replies(remarkable={"refused: 403": 2})


def test_an_answer_of_the_callers_proxy_is_a_failure() -> None:
    own = printed(0, 503, body="no healthy upstream", upstream=False)
    assert replies(own, printed(1, 200)).failures == {"503 by the caller's proxy: no healthy upstream": 1}


def test_an_answer_of_the_callers_proxy_may_say_nothing() -> None:
    assert replies(printed(0, 404, upstream=False)).failures == {"404 by the caller's proxy": 1}


def test_a_service_whose_application_does_not_listen_is_a_failure() -> None:
    assert replies(printed(0, 503, body=NO_APPLICATION)).failures == {
        f"503 by the service's proxy: {NO_APPLICATION}": 1
    }


def test_a_grpc_service_without_the_method_has_answered() -> None:
    assert replies(grpc(0, 12, "unknown service multimesh.Verify")) == Replies()


def test_a_grpc_refusal_is_remarked() -> None:
    assert replies(grpc(0, 7, "RBAC: access denied")).remarkable == {"refused: grpc-status 7": 1}


def test_a_grpc_error_of_the_application_is_remarked() -> None:
    assert replies(grpc(0, 13, "internal")).remarkable == {"grpc-status 13": 1}


def test_a_grpc_answer_of_the_callers_proxy_is_a_failure() -> None:
    failures = replies(grpc(0, 14, "no healthy upstream", upstream=False)).failures
    assert failures == {"grpc-status 14 by the caller's proxy: no healthy upstream": 1}


def test_a_grpc_service_whose_application_does_not_listen_is_a_failure() -> None:
    failures = replies(grpc(0, 14, NO_APPLICATION)).failures
    assert failures == {f"grpc-status 14 by the service's proxy: {NO_APPLICATION}": 1}


def test_a_client_that_prints_nothing_leaves_it_to_the_counters() -> None:
    reason = "echo client: 1/40 requests had errors; first error: context deadline exceeded"
    assert read_replies(PORT, "", reason, 40) == Replies(unknown="context deadline exceeded")


def test_missing_responses_leave_it_to_the_counters() -> None:
    assert http_replies(printed(0, 200), "", 2).unknown == "the echo client printed 1 of 2 responses"


LOGGED = "2026-11-26T04:12:37.7Z\twarn\tforwarder\tserver first TCP read failed: "
OPEN = LOGGED + "read tcp 1.2.3.4:5->6.7.8.9:1: i/o timeout\n"
CLOSED = LOGGED + "EOF\n"
RESET = OPEN.replace("i/o timeout", "read: connection reset by peer")


def test_connections_that_stay_open_are_good() -> None:
    assert connection_replies(OPEN * 20, "request set timed out after 2s", 20) == Replies()


@pytest.mark.parametrize("closed", [CLOSED, RESET])
def test_connections_that_are_closed_at_once_are_failures(closed: str) -> None:
    assert connection_replies(closed * 3 + OPEN * 17, "", 20).failures == {"closed by the other side": 3}


def test_a_server_that_speaks_first_is_good() -> None:
    reason = 'did not receive magic string. Want "", got "SSH-2.0"'
    assert connection_replies(f"fatal\tError 20/20 requests had errors; first error: {reason}", reason, 20) == Replies()


def test_a_name_that_is_unknown_fails_every_connection() -> None:
    port = Port("db.shop.global", 6379, "tcp", {"east": 1}, "weights")
    reason = "echo client: 20/20 requests had errors; first error: dial tcp: lookup db.shop.global: server misbehaving"
    failures = read_replies(port, "fatal\tError ...", reason, 20).failures
    assert failures == {"dial tcp: lookup db.shop.global: server misbehaving": 20}


def test_a_command_that_cannot_be_run_fails_every_connection() -> None:
    assert connection_replies("", "exec in pod echo-1: Forbidden", 20).failures == {"exec in pod echo-1: Forbidden": 20}
