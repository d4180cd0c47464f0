"""Weights as a user writes them, and the shares that Istio requires."""

from collections.abc import Mapping


def percentages(weights: Mapping[str, int]) -> dict[str, int]:
    """Return shares in proportion to the weights: whole numbers from 1 that sum to 100, as `distribute` requires.

    Meshes with weight 0 get no share. The rest from rounding goes to the largest remainders; on a tie, to the first.
    """
    positive = {mesh: weight for mesh, weight in weights.items() if weight > 0}
    total = sum(positive.values())
    shares = {mesh: max(1, weight * 100 // total) for mesh, weight in positive.items()}
    by_remainder = sorted(positive, key=lambda mesh: -(positive[mesh] * 100 % total))
    for mesh in by_remainder[: max(0, 100 - sum(shares.values()))]:
        shares[mesh] += 1
    while sum(shares.values()) > 100:
        shares[max(shares, key=shares.__getitem__)] -= 1
    return shares
