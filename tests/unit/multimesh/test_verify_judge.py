"""From outcomes to findings."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimesh.verify.answers import Answer, Failure, Outcome
from multimesh.verify.judge import Measurement, Path, Verdict, checks, error_of_each, judge

HALVES = {"east": 50, "west": 50}


def measured(outcomes: list[Outcome]) -> Measurement:
    return Measurement("east", Path.INGRESS, "http://10.0.0.1/", outcomes)


def judged(outcomes: list[Outcome], weights: dict[str, int] = HALVES) -> Verdict:
    [verdict] = judged_together([measured(outcomes)], weights)
    return verdict


def judged_together(
    measurements: list[Measurement], weights: dict[str, int] = HALVES, confidence: float = 0.999
) -> list[Verdict]:
    return judge(measurements, weights, error_of_each(confidence, checks(measurements, weights)))


def answers(**counts: int) -> list[Outcome]:
    return [Answer(mesh, 2.0) for mesh, count in counts.items() for _ in range(count)]


def test_the_configured_split_has_no_findings() -> None:
    assert judged(answers(east=50, west=50)).findings == ()


def test_another_split_is_found_on_both_sides() -> None:
    assert judged(answers(east=90, west=10)).findings == (
        "east, ingress: expected 50% from east (33 to 67 of 100 answers), seen 90",
        "east, ingress: expected 50% from west (33 to 67 of 100 answers), seen 10",
    )


def test_one_failed_request_is_a_finding() -> None:
    assert judged([*answers(east=50, west=49), Failure("503 Service Unavailable")]).findings == (
        "east, ingress: expected an answer to every request, seen 1 of 100 fail: 503 Service Unavailable (1)",
    )


def test_reasons_are_counted_the_most_frequent_first() -> None:
    verdict = judged([*answers(east=5, west=5), Failure("a"), Failure("b"), Failure("b")])
    assert list(verdict.errors.items()) == [("b", 2), ("a", 1)]


def test_no_answer_at_all_is_one_finding() -> None:
    assert len(judged([Failure("no answer within 5 s")] * 100).findings) == 1


def test_a_mesh_of_weight_zero_must_not_answer() -> None:
    assert judged(answers(east=999, west=1), {"east": 1, "west": 0}).findings == (
        "east, ingress: expected 100% from east (1000 to 1000 of 1000 answers), seen 999",
        "east, ingress: expected 0% from west (0 to 0 of 1000 answers), seen 1",
    )


def test_a_mesh_that_is_not_configured_must_not_answer() -> None:
    findings = judged(answers(east=50, west=49, south=1)).findings
    assert findings == ("east, ingress: expected 0% from south (0 to 0 of 100 answers), seen 1",)


def test_weights_are_relative_to_their_sum() -> None:
    verdict = judged(answers(east=2, west=1), {"east": 2, "west": 1})
    assert [part.expected_share for part in verdict.answered_by] == [pytest.approx(2 / 3), pytest.approx(1 / 3)]


def test_a_configured_mesh_that_answered_nothing_is_listed() -> None:
    assert [(part.mesh, part.count, part.p50_ms) for part in judged(answers(east=3)).answered_by] == [
        ("east", 3, 2.0),
        ("west", 0, None),
    ]


def test_percentiles_are_values_that_were_seen() -> None:
    [part] = judged([Answer("east", float(ms)) for ms in range(200, 0, -1)], {"east": 1}).answered_by
    assert (part.p50_ms, part.p99_ms) == (100.0, 198.0)


def test_more_checks_have_wider_bounds() -> None:
    one, *_ = judged_together([measured(answers(east=50, west=50))] * 6)
    assert (one.answered_by[0].at_least, one.answered_by[0].at_most) == (31, 69)


@given(st.integers(1, 200), st.dictionaries(st.sampled_from("abcde"), st.integers(1, 100), min_size=1), st.randoms())
def test_every_request_is_accounted_for(requests: int, weights: dict[str, int], chance: random.Random) -> None:
    outcomes: list[Outcome] = [
        Answer(chance.choice([*weights]), 1.0) if chance.random() < 0.9 else Failure("503") for _ in range(requests)
    ]
    verdict = judged(outcomes, weights)
    assert sum(part.count for part in verdict.answered_by) + sum(verdict.errors.values()) == requests


def test_a_whole_run_of_right_splits_hardly_ever_fails() -> None:
    chance = random.Random(2026)  # noqa: S311  a repeatable simulation
    weights = {"a": 60, "b": 30, "c": 10}
    failed = 0
    for _ in range(1000):
        run = [
            measured([Answer(mesh, 1) for mesh in chance.choices([*weights], [60, 30, 10], k=100)]) for _ in range(4)
        ]
        failed += any(verdict.findings for verdict in judged_together(run, weights, 0.95))
    assert failed <= 1000 * 0.05
