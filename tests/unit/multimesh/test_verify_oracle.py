"""The sample's answers beside the counters of the caller's proxy."""

from multimesh.verify.answers import Answer, Failure, Outcome
from multimesh.verify.counters import Count
from multimesh.verify.oracle import contradiction

ANSWERS: list[Outcome] = [*[Answer("east", 1.0)] * 6, *[Answer("west", 1.0)] * 4]


def counts(**succeeded: int) -> dict[str, Count]:
    return {mesh: Count(reached=count, succeeded=count) for mesh, count in succeeded.items()}


def test_equal_counts_are_no_finding() -> None:
    assert contradiction("east", ANSWERS, counts(east=6, west=4, south=0), one_mesh=False) == ""


def test_other_counts_are_a_finding_with_both() -> None:
    finding = contradiction("east", ANSWERS, counts(east=5, west=5), one_mesh=False)
    assert "answers east 6, west 4; counted east 5, west 5" in finding


def test_no_counts_at_all_are_a_finding() -> None:
    assert "counted none" in contradiction("east", ANSWERS, {}, one_mesh=False)


def test_nothing_is_compared_when_a_request_failed() -> None:
    assert contradiction("east", [*ANSWERS, Failure("503")], {}, one_mesh=False) == ""


def test_in_one_mesh_the_sums_are_compared() -> None:
    assert contradiction("east", ANSWERS, {"": Count(reached=10, succeeded=10)}, one_mesh=True) == ""
