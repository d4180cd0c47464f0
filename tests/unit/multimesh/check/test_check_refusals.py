"""Calls that must be refused: of whom, and what the client's lines say of them."""

from dataclasses import replace

import pytest
from sound import MESHES, PORT, SERVICE, federation

from components import istio
from multimesh.check.authorization import Caller
from multimesh.check.made import Key
from multimesh.check.refusals import everywhere, refused_command, refused_replies, refusing, sample_of
from multimesh.verify.selection import Port

ECHO = Caller("west.mesh", "demo", "echo")
TCP = Port("db.shop.global", 6379, "tcp", {"east": 1}, "weights")
LOGGED = (
    "2026-11-26T04:12:37.7Z\twarn\tforwarder\tTCP read failed (already read {} bytes): read tcp 1.2.3.4:5->6.7.8.9:1: "
)
RESET = LOGGED.format(0) + "read: connection reset by peer\n"
OPEN = LOGGED.format(0) + "i/o timeout\n"
ANSWERED = LOGGED.format(7) + "i/o timeout\n"
FAILED = (
    "echo client: 5/5 requests had errors; first error: expect to recv message with StatusCode=200, got . Return EOF"
)


def refusers(principals: list[str], *, weights: dict[str, int] | None = None) -> frozenset[str]:
    sound = federation()
    policy = {"spec": istio.others_denied({"app": "web"}, [8080], principals)}
    objects = {mesh: {Key("AuthorizationPolicy", "shop", SERVICE): policy} for mesh in MESHES}
    port = replace(PORT, weights=weights or PORT.weights)
    return refusing(sound.outputs, replace(sound.made, objects=objects), sound.clusters, ECHO, port)


def test_every_exporter_refuses_whom_its_policy_does_not_list() -> None:
    assert refusers(["east.mesh/*"]) == {"east", "west"}


def test_no_exporter_refuses_whom_its_policy_lists() -> None:
    assert refusers(["west.mesh/ns/demo/sa/echo"]) == frozenset()


def test_what_a_mesh_of_another_stack_does_is_not_known() -> None:
    weights = {"east": 50, "north": 50}
    refused = refusers(["east.mesh/*"], weights=weights)
    assert refused == {"east"}
    assert not everywhere(replace(PORT, weights=weights), refused)


def test_a_mesh_that_gets_no_requests_need_not_refuse() -> None:
    assert everywhere(replace(PORT, weights={"east": 50, "north": 0}), frozenset({"east"}))


def test_the_sample_may_have_each_trust_domain_of_its_mesh() -> None:
    meshes = federation().outputs.meshes
    moved = {"west": meshes["west"].model_copy(update={"trust_domain_aliases": ["former.mesh"]})}
    found = sample_of(federation().outputs.model_copy(update={"meshes": moved}), "west")
    assert [one.trust_domain for one in found] == ["west.mesh", "former.mesh"]


def test_a_line_is_sent_to_tcp_which_is_refused_at_its_first_byte() -> None:
    assert "--server-first" not in refused_command(TCP, 5)


@pytest.mark.parametrize(
    ("output", "admitted"),
    [(RESET * 5, 0), ("info\tno error was logged", 0), (RESET * 3 + OPEN * 2, 2), (ANSWERED * 5, 5)],
)
def test_a_connection_that_stays_open_or_is_answered_was_let_in(output: str, admitted: int) -> None:
    replies, found = refused_replies(TCP, output, FAILED, 5)
    assert (replies.failures, found) == ({}, admitted)


def test_a_connection_that_cannot_be_made_was_not_let_in() -> None:
    replies, found = refused_replies(TCP, "fatal\tError", "dial tcp: no such host", 5)
    assert (replies.failures, found) == ({"dial tcp: no such host": 5}, 0)


def printed(index: int, status: int, *, upstream: bool = True) -> str:
    header = f"[{index}] ResponseHeader=X-Envoy-Upstream-Service-Time:3\n" if upstream else ""
    return f"[{index}] StatusCode={status}\n{header}"


@pytest.mark.parametrize(
    ("output", "admitted"),
    [
        (printed(0, 403) + printed(1, 403), 0),
        (printed(0, 403) + printed(1, 200), 1),
        (printed(0, 500) + printed(1, 404), 2),
        (printed(0, 403) + printed(1, 503, upstream=False), 0),
    ],
)
def test_any_answer_but_a_refusal_was_let_in(output: str, admitted: int) -> None:
    assert refused_replies(PORT, output, "", 2)[1] == admitted


def test_answers_that_the_client_does_not_print_are_not_known() -> None:
    replies, admitted = refused_replies(PORT, "", "context deadline exceeded", 2)
    assert (replies.unknown, admitted) == ("context deadline exceeded", 0)
