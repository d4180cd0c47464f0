"""Which splits of requests agree with the configured one: an exact binomial bound."""

from dataclasses import dataclass
from math import exp, fsum, lgamma, log


@dataclass(frozen=True)
class Reached:
    """How often a mesh was reached, a `share` (0 to 1) of all requests, and how often it may have been.

    The weights allow a count from `at_least` to `at_most`.
    """

    mesh: str
    count: int
    share: float
    expected_share: float
    at_least: int
    at_most: int

    @property
    def acceptable(self) -> bool:
        """Whether the weights allow the count."""
        return self.at_least <= self.count <= self.at_most


def acceptable_counts(requests: int, share: float, error: float) -> range:
    """Return the counts, out of `requests`, that a mesh with this `share` (0 to 1) of the traffic may have answered.

    If every request goes there with probability `share`, independently, then the count falls outside with probability
    at most `error` (0 to 1), half of it on either side. These are the counts whose Clopper-Pearson interval at
    confidence 1 - `error` contains `share` (C. Clopper and E. Pearson, Biometrika 26, 1934). Envoy
    distributes requests more evenly than chance does, so a correct split fails even less often. A share of 0 allows
    only the count 0, a share of 1 only `requests`.
    """
    if share in (0, 1):
        return range(requests, requests + 1) if share else range(1)
    terms = [_probability(requests, count, share) for count in range(requests + 1)]
    low = _first_above(terms, error / 2)
    high = requests - _first_above(terms[::-1], error / 2)
    return range(low, high + 1)


def _first_above(terms: list[float], tail: float) -> int:
    """Return the first count up to which the summed probability exceeds `tail`."""
    total = 0.0
    for count, term in enumerate(terms):
        total = fsum((total, term))
        if total > tail:
            return count
    return len(terms) - 1


def _probability(requests: int, count: int, share: float) -> float:
    ways = lgamma(requests + 1) - lgamma(count + 1) - lgamma(requests - count + 1)
    return exp(ways + count * log(share) + (requests - count) * log(1 - share))
