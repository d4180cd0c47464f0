"""From outcomes to a verdict: which meshes answered, how fast, and what is wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from multimesh.verify.answers import Answer, Failure, Outcome
from multimesh.verify.split import Reached, acceptable_counts


class Path(StrEnum):
    """How a mesh was asked: from outside, or from a pod in it by one of the two names of the service."""

    INGRESS = "ingress"
    SHORT_NAME = "short name"
    GLOBAL_NAME = "global name"


@dataclass(frozen=True)
class Measurement:
    """The outcomes of the requests to one mesh by one path."""

    mesh: str
    path: Path
    url: str
    outcomes: Sequence[Outcome]


@dataclass(frozen=True)
class AnsweredBy(Reached):
    """What one mesh answered; the percentiles of the latency are None without answers."""

    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True)
class Verdict:
    """The verdict on a measurement: `errors` counts failed requests by reason, each of `findings` is one line."""

    mesh: str
    path: Path
    url: str
    requests: int
    answered_by: tuple[AnsweredBy, ...]
    errors: dict[str, int]
    findings: tuple[str, ...]


def checks(measurements: Sequence[Measurement], weights: dict[str, int]) -> int:
    """Return how many counts of these measurements are tested."""
    return sum(1 for weight in weights.values() if weight) * len(measurements)


def error_of_each(confidence: float, checks: int) -> float:
    """Return the probability of a false alarm of each of `checks` counts, so that all together have `confidence`.

    1 - `confidence` is divided evenly among them (Bonferroni), so that the whole run fails by chance alone with at most
    that probability.
    """
    return (1 - confidence) / max(1, checks)


def judge(measurements: Sequence[Measurement], weights: dict[str, int], error: float) -> list[Verdict]:
    """Return the verdict on every measurement, by the `weights` of the meshes.

    `error` (0 to 1) is the probability of a false alarm for each count.
    """
    return [_judge_one(measurement, weights, error) for measurement in measurements]


def _judge_one(measurement: Measurement, weights: dict[str, int], error: float) -> Verdict:
    answers = [outcome for outcome in measurement.outcomes if isinstance(outcome, Answer)]
    errors = Counter(outcome.reason for outcome in measurement.outcomes if isinstance(outcome, Failure))
    asked = f"{measurement.mesh}, {measurement.path}"
    findings: list[str] = []
    if failed := errors.total():
        reasons = "; ".join(f"{reason} ({count})" for reason, count in errors.most_common())
        findings.append(
            f"{asked}: expected an answer to every request, seen {failed} of {failed + len(answers)} fail: {reasons}"
        )
    parts: list[AnsweredBy] = []
    for mesh in [*weights, *sorted({answer.mesh for answer in answers} - weights.keys())]:
        part = _part(mesh, answers, weights.get(mesh, 0) / sum(weights.values()), error)
        parts.append(part)
        if answers and not part.acceptable:
            findings.append(
                f"{asked}: expected {part.expected_share:.0%} from {mesh} "
                f"({part.at_least} to {part.at_most} of {len(answers)} answers), seen {part.count}"
            )
    return Verdict(
        mesh=measurement.mesh,
        path=measurement.path,
        url=measurement.url,
        requests=len(measurement.outcomes),
        answered_by=tuple(parts),
        errors=dict(errors.most_common()),
        findings=tuple(findings),
    )


def _part(mesh: str, answers: Sequence[Answer], expected_share: float, error: float) -> AnsweredBy:
    latencies = sorted(answer.milliseconds for answer in answers if answer.mesh == mesh)
    acceptable = acceptable_counts(len(answers), expected_share, error)
    return AnsweredBy(
        mesh=mesh,
        count=len(latencies),
        share=len(latencies) / len(answers) if answers else 0.0,
        expected_share=expected_share,
        at_least=acceptable[0],
        at_most=acceptable[-1],
        p50_ms=_percentile(latencies, 50),
        p99_ms=_percentile(latencies, 99),
    )


def _percentile(ascending: Sequence[float], percent: int) -> float | None:
    """Return the nearest-rank percentile: the smallest value that at least `percent` of all do not exceed."""
    return ascending[ceil(len(ascending) * percent / 100) - 1] if ascending else None
