"""The result of `verify`, for people (a table) and for programs (JSON)."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from multimesh.verify.judge import AnsweredBy, Verdict

PLAIN_WIDTH = 120


@dataclass(frozen=True)
class Report:
    """All verdicts on one service: `requests` were sent by each path; `confidence` (0 to 1) holds for all together."""

    service: str
    weights: dict[str, int]
    requests: int
    confidence: float
    verdicts: Sequence[Verdict]

    @property
    def findings(self) -> list[str]:
        """What is wrong, one line for each finding; empty when all is as configured."""
        return [finding for verdict in self.verdicts for finding in verdict.findings]


def as_json(report: Report) -> str:
    """Return one JSON object, whose shape is the same in every release:

    `service`, `weights` (mesh -> weight), `passed`, `requests` (by each path), `confidence`, `findings` (lines), and
    `verdicts`: a list of `mesh`, `path` (`ingress`, `short name` or `global name`), `url`, `requests`, `errors` (reason
    -> count), `findings`, and `answered_by`: a list of `mesh`, `count`, `share` and `expected_share` (0 to 1, of the
    answers), `at_least` and `at_most` (accepted counts), `p50_ms` and `p99_ms` (null when it answered nothing).
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
        },
        indent=2,
        ensure_ascii=False,
    )


def print_table(report: Report, console: Console) -> None:
    """Print the table, then `passed` or the findings; without a terminal it is plain text, 120 columns wide."""
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("asked", "path", "answered by"):
        table.add_column(heading, no_wrap=True)
    for heading in ("count", "share", "expected", "p50 ms", "p99 ms", "errors"):
        table.add_column(heading, justify="right", no_wrap=True)
    for verdict in report.verdicts:
        asked = [verdict.mesh, verdict.path, str(sum(verdict.errors.values()))]
        for part in verdict.answered_by:
            mesh, path, errors = asked
            table.add_row(mesh, path, *_cells(part), errors)
            asked = ["", "", ""]
    weights = ", ".join(f"{mesh} {weight}" for mesh, weight in report.weights.items())
    title = f"{report.service}: {report.requests} requests to each mesh by each path, weights {weights}\n"
    console.print(title, highlight=False, markup=False, soft_wrap=True)
    console.print(table)
    console.print(_conclusion(report), highlight=False, markup=False, soft_wrap=True)


def _conclusion(report: Report) -> str:
    confidence = f"confidence {report.confidence:.10g} for all of them together"
    if not report.findings:
        return f"\npassed: every request was answered, every split is the configured one ({confidence})"
    return "\n".join(["", f"failed ({confidence}):", *(f"  {finding}" for finding in report.findings)])


def _cells(part: AnsweredBy) -> tuple[str, ...]:
    expected = f"{part.at_least}-{part.at_most}" if part.at_least < part.at_most else str(part.at_least)
    return part.mesh, str(part.count), f"{part.share:.0%}", expected, _latency(part.p50_ms), _latency(part.p99_ms)


def _latency(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.1f}"
