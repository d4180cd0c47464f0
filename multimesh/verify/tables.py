"""The result of `verify` for people: a table of the sample service, a table of all others, and the conclusion."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from multimesh.printable import printable
from multimesh.verify.judge import AnsweredBy
from multimesh.verify.judge_port import PortVerdict
from multimesh.verify.report import Report
from multimesh.verify.split import Reached

PLAIN_WIDTH = 120
_WHY = "`multimesh check` looks for the cause."


def print_tables(report: Report, console: Console) -> None:
    """Print the tables, then `passed` or the findings; without a terminal it is plain text, 120 columns wide."""
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    if report.verdicts:
        weights = ", ".join(f"{mesh} {weight}" for mesh, weight in report.weights.items())
        _say(console, f"{report.service}: {report.requests} requests to each mesh by each path, weights {weights}\n")
        console.print(_of_the_sample(report))
    if report.ports:
        above = "\n" if report.verdicts else ""
        _say(console, f"{above}all other services, by the counters of the caller's proxy\n")
        console.print(_of_ports(report))
    for service, reason in report.not_asked.items():
        _say(console, f"\nnot asked: {printable(f'{service}: {reason}')}")
    _say(console, _conclusion(report))


def _say(console: Console, text: str) -> None:
    """Print lines; what is in them from outside is `printable` already."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _row(table: Table, *cells: str) -> None:
    """Add a row: its cells may say what a responder said."""
    table.add_row(*(Text(printable(cell)) for cell in cells))


def _of_the_sample(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("asked", "path", "answered by"):
        table.add_column(heading, no_wrap=True)
    for heading in ("count", "share", "expected", "p50 ms", "p99 ms", "errors"):
        table.add_column(heading, justify="right", no_wrap=True)
    for verdict in report.verdicts:
        asked = [verdict.mesh, verdict.path, str(sum(verdict.errors.values()))]
        for part in verdict.answered_by:
            mesh, path, errors = asked
            _row(table, mesh, path, *_cells(part), errors)
            asked = ["", "", ""]
    return table


def _of_ports(report: Report) -> Table:
    """Return a table with one line for each port and calling mesh; lines of one port name it once."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("service", "protocol", "asked", "answered by", "expected"):
        table.add_column(heading, overflow="fold")
    table.add_column("errors", justify="right", no_wrap=True)
    table.add_column("remarks", overflow="fold")
    named = ""
    for verdict in sorted(report.ports, key=lambda verdict: (verdict.service, verdict.port)):
        name = f"{verdict.service}:{verdict.port}"
        what = ("", "") if name == named else (name, verdict.protocol)
        named = name
        _row(
            table,
            *what,
            verdict.mesh,
            ", ".join(f"{part.mesh} {part.count}" for part in verdict.answered_by) or "-",
            ", ".join(_range(part) for part in verdict.answered_by) or "-",
            f"{sum(verdict.errors.values())} of {verdict.requests}",
            _remarks(verdict),
        )
    return table


def _remarks(verdict: PortVerdict) -> str:
    remarks = [f"{answer} ({count})" for answer, count in verdict.remarkable.items()]
    return ", ".join([*remarks, *([f"repeated ({verdict.repeated})"] if verdict.repeated else [])])


def _conclusion(report: Report) -> str:
    confidence = f"confidence {report.confidence:.10g} for all of them together"
    if not report.findings:
        return f"\npassed: every request was answered, every split is the configured one ({confidence})"
    return "\n".join(["", f"failed ({confidence}):", *(f"  {printable(finding)}" for finding in report.findings), _WHY])


def _cells(part: AnsweredBy) -> tuple[str, ...]:
    return part.mesh, str(part.count), f"{part.share:.0%}", _range(part), _latency(part.p50_ms), _latency(part.p99_ms)


def _range(part: Reached) -> str:
    return f"{part.at_least}-{part.at_most}" if part.at_least < part.at_most else str(part.at_least)


def _latency(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.1f}"
