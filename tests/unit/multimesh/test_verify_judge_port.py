"""From replies and counters to findings."""

from typing import Any

from multimesh.verify.counters import Count
from multimesh.verify.judge_port import PortMeasurement, PortVerdict, checks, judge_port
from multimesh.verify.replies import Replies
from multimesh.verify.selection import Port

HALVES = {"east": 50, "west": 50}
ERROR = 0.0001


def measured(replies: Replies, counts: dict[str, Count], **port: Any) -> PortMeasurement:
    given = {"service": "db.shop.global", "number": 5432, "protocol": "tcp", "weights": HALVES, "prefer": "weights"}
    return PortMeasurement("east", Port(**given | port), 20, replies, counts, 2.1)


def judged(counts: dict[str, int], replies: Replies | None = None, **port: Any) -> PortVerdict:
    reached = {mesh: Count(reached=count) for mesh, count in counts.items()}
    return judge_port(measured(replies or Replies(), reached, **port), ERROR, one_mesh=False)


def test_the_configured_split_has_no_findings() -> None:
    assert judged({"east": 9, "west": 11}).findings == ()


def test_another_split_is_found_on_both_sides() -> None:
    assert judged({"east": 20, "west": 0}).findings == (
        "east, db.shop.global:5432: expected 50% to east (2 to 18 of 20), seen 20",
        "east, db.shop.global:5432: expected 50% to west (2 to 18 of 20), seen 0",
    )


def test_a_preferred_mesh_answers_everything() -> None:
    assert judged({"east": 20, "west": 0}, prefer="local").findings == ()


def test_one_request_to_another_than_the_preferred_mesh_is_found() -> None:
    assert len(judged({"east": 19, "west": 1}, prefer="local").findings) == 2


def test_a_mesh_that_exports_nothing_must_not_be_reached() -> None:
    findings = judged({"east": 20, "south": 1}, weights={"east": 1}, protocol="http", prefer=["east"])
    assert [part.mesh for part in findings.answered_by] == ["east", "south"]


def test_connections_that_reached_no_mesh_are_found() -> None:
    assert judged({"east": 9, "west": 8}).findings == (
        "east, db.shop.global:5432: expected every connection to be made and kept, seen 3 of 20 fail: "
        "no mesh was reached (3)",
    )


def test_connections_that_could_not_be_made_are_told_by_mesh() -> None:
    counts = {"east": Count(reached=0), "west": Count(connect_failures=60)}
    [finding] = judge_port(measured(Replies(), counts), ERROR, one_mesh=False).findings
    assert finding.endswith("no mesh was reached (20); 60 connections to west could not be made")


def test_a_wrong_split_says_where_no_connection_could_be_made() -> None:
    counts = {"east": Count(reached=20), "west": Count(connect_failures=5)}
    _, finding = judge_port(measured(Replies(), counts), ERROR, one_mesh=False).findings
    assert finding.endswith("seen 0; 5 connections to west could not be made")


def test_a_port_that_the_proxy_does_not_route_is_found() -> None:
    assert judged({}).errors == {"the caller's proxy has no cluster outbound|5432||db.shop.global": 20}


def test_failures_that_the_client_saw_are_not_counted_twice() -> None:
    assert judged({"east": 0, "west": 0}, Replies({"503": 20}), protocol="http").errors == {"503": 20}


def test_connections_that_were_closed_are_found_although_they_were_made() -> None:
    assert judged({"east": 10, "west": 10}, Replies({"closed by the other side": 10})).findings == (
        "east, db.shop.global:5432: expected every connection to be made and kept, seen 10 of 20 fail: "
        "closed by the other side (10)",
    )


def test_where_the_client_says_nothing_the_counters_say_how_many_were_answered() -> None:
    counts = {"east": Count(reached=10, succeeded=9), "west": Count(reached=10, succeeded=8)}
    verdict = judge_port(measured(Replies(unknown="timed out"), counts), ERROR, one_mesh=False)
    assert verdict.errors == {"timed out": 3}


def test_where_the_client_says_nothing_one_request_has_failed_at_least() -> None:
    counts = {"east": Count(reached=10, succeeded=10), "west": Count(reached=10, succeeded=10)}
    verdict = judge_port(measured(Replies(unknown="timed out"), counts), ERROR, one_mesh=False)
    assert verdict.errors == {"timed out": 1}


def test_requests_that_were_sent_again_are_counted() -> None:
    assert judged({"east": 14, "west": 11}).repeated == 5


def test_each_request_that_was_sent_again_may_have_gone_anywhere() -> None:
    assert judged({"east": 20, "west": 3}, prefer="local").findings == ()


def test_refusals_are_no_findings() -> None:
    verdict = judged({"east": 10, "west": 10}, Replies(remarkable={"refused: 403": 20}), protocol="http")
    assert (verdict.findings, verdict.remarkable) == ((), {"refused: 403": 20})


def test_in_one_mesh_no_split_is_judged() -> None:
    verdict = judge_port(measured(Replies(), {"": Count(reached=20)}), ERROR, one_mesh=True)
    assert (verdict.answered_by, verdict.findings) == ((), ())


def test_in_one_mesh_failures_are_found() -> None:
    verdict = judge_port(measured(Replies(), {"": Count(reached=19)}), ERROR, one_mesh=True)
    assert verdict.errors == {"no mesh was reached": 1}


def test_shares_that_are_certain_are_not_left_to_chance() -> None:
    measurements = [measured(Replies(), {}), measured(Replies(), {}, prefer="local")]
    assert checks(measurements, one_mesh=False) == 2
