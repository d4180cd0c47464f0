"""Shares are whole percentages in proportion to the weights."""

from hypothesis import given
from hypothesis import strategies as st

from components.federation.weights import percentages

weights = st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.integers(0, 1_000_000), max_size=100).filter(
    lambda weights: any(weights.values())
)


@given(weights)
def test_shares_sum_to_100(weights: dict[str, int]) -> None:
    assert sum(percentages(weights).values()) == 100


@given(weights)
def test_every_mesh_with_a_weight_has_a_share_and_no_other(weights: dict[str, int]) -> None:
    shares = percentages(weights)
    assert shares.keys() == {mesh for mesh, weight in weights.items() if weight}
    assert min(shares.values()) >= 1


@given(st.dictionaries(st.from_regex(r"[a-z]", fullmatch=True), st.integers(10, 100), min_size=1, max_size=6))
def test_a_share_is_within_one_percent_of_its_weight(weights: dict[str, int]) -> None:
    total = sum(weights.values())
    for mesh, share in percentages(weights).items():
        assert abs(share - 100 * weights[mesh] / total) < 1


def test_percentages_stay_as_they_are() -> None:
    assert percentages({"east": 80, "west": 20}) == {"east": 80, "west": 20}


def test_thirds_leave_nothing_over() -> None:
    assert percentages({"east": 1, "west": 1, "south": 1}) == {"east": 34, "west": 33, "south": 33}
