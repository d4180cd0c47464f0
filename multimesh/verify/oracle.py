"""The sample service says who answered: so it shows whether the counters of the caller's proxy can be believed."""

from collections import Counter
from collections.abc import Mapping, Sequence

from multimesh.verify.answers import Answer, Outcome
from multimesh.verify.counters import Count


def contradiction(mesh: str, outcomes: Sequence[Outcome], counts: Mapping[str, Count], *, one_mesh: bool) -> str:
    """Return the finding that a mesh's proxy counted other answers than the sample gave; empty where it did not.

    `counts` are those of the same requests. In a single mesh the proxy's counters do not tell which cluster answered,
    so the sums alone are compared. Nothing is compared when a request failed: the client then leaves answers out.
    """
    answered = Counter(outcome.mesh for outcome in outcomes if isinstance(outcome, Answer))
    counted = Counter({name: count.succeeded for name, count in counts.items() if count.succeeded})
    if answered.total() < len(outcomes):
        return ""
    if one_mesh:
        answered, counted = Counter(all=answered.total()), Counter(all=counted.total())
    if answered == counted:
        return ""
    return (
        f"{mesh}: the counters of the calling pod's proxy contradict the sample service: answers {_listed(answered)}; "
        f"counted {_listed(counted)}. Was another verify running? If not, verdicts by counters are wrong: report this"
    )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
