"""The exact binomial bound."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimesh.verify.split import acceptable_counts

requests = st.integers(1, 150)
weights = st.integers(1, 99)
errors = st.sampled_from([0.05, 0.01, 1e-4])


def exactly(counts: range, requests: int, weight: int) -> Fraction:
    share = Fraction(weight, 100)
    return sum((comb(requests, k) * share**k * (1 - share) ** (requests - k) for k in counts), Fraction(0))


@given(requests, weights, errors)
def test_a_correct_split_fails_at_most_as_often_as_stated(requests: int, weight: int, error: float) -> None:
    counts = acceptable_counts(requests, weight / 100, error)
    assert 1 - exactly(counts, requests, weight) <= Fraction(error)


@given(requests, weights, errors)
def test_the_bound_cannot_be_narrower(requests: int, weight: int, error: float) -> None:
    counts = acceptable_counts(requests, weight / 100, error)
    half = Fraction(error) / 2
    assert exactly(range(counts[0] + 1), requests, weight) > half
    assert exactly(range(counts[-1], requests + 1), requests, weight) > half


@given(requests, weights, errors)
def test_two_meshes_are_bounded_alike(requests: int, weight: int, error: float) -> None:
    one = acceptable_counts(requests, weight / 100, error)
    other = acceptable_counts(requests, 1 - weight / 100, error)
    assert [requests - count for count in other] == list(reversed(one))


@given(st.integers(0, 10_000))
def test_weight_zero_means_never(requests: int) -> None:
    assert list(acceptable_counts(requests, 0, 0.001)) == [0]


@given(st.integers(0, 10_000))
def test_the_only_weight_means_always(requests: int) -> None:
    assert list(acceptable_counts(requests, 1, 0.001)) == [requests]


def test_the_bound_is_that_of_the_published_tables() -> None:
    # Clopper and Pearson at 95% for 10 of 20 seen: 0.272 to 0.728. So 10 is accepted for 0.273 and not for 0.271.
    assert 10 in acceptable_counts(20, 0.273, 0.05)
    assert 10 not in acceptable_counts(20, 0.271, 0.05)


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_ten_thousand_requests_are_no_burden(share: float) -> None:
    counts = acceptable_counts(10_000, share, 1e-4)
    assert counts[0] <= share * 10_000 <= counts[-1]
