"""The result of `verify`, and as JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from multimesh.verify.judge import Verdict
from multimesh.verify.judge_port import PortVerdict


@dataclass(frozen=True)
class Report:
    """All verdicts of a run: `requests` were sent by each path; `confidence` (0 to 1) holds for all together."""

    service: str
    """The sample service; `weights` and `verdicts` are about it."""
    weights: dict[str, int]
    requests: int
    confidence: float
    verdicts: Sequence[Verdict]
    ports: Sequence[PortVerdict] = ()
    """The verdicts on the ports of all other services."""
    not_asked: Mapping[str, str] = field(default_factory=dict)
    """Global name of a service -> why it is not asked."""
    troubles: Sequence[str] = ()
    """Findings about a whole mesh."""

    @property
    def findings(self) -> list[str]:
        """What is wrong, one line for each finding; empty when all is as configured."""
        return [*self.troubles, *(finding for verdict in [*self.verdicts, *self.ports] for finding in verdict.findings)]


def as_json(report: Report) -> str:
    """Return one JSON object, whose shape is the same in every release:

    `service`, `weights` (mesh -> weight), `passed`, `requests` (by each path), `confidence`, `findings` (lines), and
    `verdicts` on the sample service: a list of `mesh`, `path` (`ingress`, `short name` or `global name`), `url`,
    `requests`, `errors` (reason -> count), `findings`, and `answered_by`: a list of `mesh`, `count`, `share` and
    `expected_share` (0 to 1, of the answers), `at_least` and `at_most` (accepted counts), `p50_ms` and `p99_ms` (null
    when it answered nothing).

    `services` are the verdicts on all other services, one for each mesh and port: a list of `mesh`, `service`, `port`,
    `protocol`, `requests`, `errors`, `findings`, `answered_by` (as above, without latencies; empty in a single mesh),
    `remarkable` (answer -> count: refusals, and errors of the application), `repeated` (requests that a proxy sent
    again) and `seconds`. `not_asked` says of services why they are not in it.
    """
    return json.dumps(
        {
            "service": report.service,
            "weights": report.weights,
            "passed": not report.findings,
            "requests": report.requests,
            "confidence": report.confidence,
            "findings": report.findings,
            "verdicts": [asdict(verdict) for verdict in report.verdicts],
            "services": [asdict(verdict) for verdict in report.ports],
            "not_asked": dict(report.not_asked),
        },
        indent=2,
    )
