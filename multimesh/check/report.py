"""The outcomes of checks for people, as JSON, and as JUnit's XML."""

import json
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.text import Text

from multimesh.check.result import Outcome, Problem, Severity
from multimesh.printable import printable

_SIGNS = {
    Severity.FAILED: ("×", "red"),  # noqa: RUF001  the sign of linkerd's check
    Severity.WARNING: ("‼", "yellow"),
    Severity.UNKNOWN: ("?", "yellow"),
}
_PASSED = ("√", "green")


def print_outcomes(outcomes: Sequence[Outcome], console: Console) -> None:
    """Print every check under its category, its problems indented, and the conclusion."""
    for category, found in groupby(outcomes, lambda outcome: outcome.check.category):
        _say(console, Text(f"{category}\n{'-' * len(category)}", style="bold"))
        for outcome in found:
            sign, style = _SIGNS[outcome.problems[0].severity] if outcome.problems else _PASSED
            _say(console, Text.assemble((sign, style), f" {outcome.check.title}"))
            for problem in outcome.problems:
                _say(console, Text(f"    {_line(problem, outcome)}"))
            if outcome.problems:
                _say(console, Text(f"    see docs/check.md#{outcome.check.anchor}"))
        console.print()
    _say(console, Text(_conclusion(outcomes)))


def _say(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True, highlight=False)


def _line(problem: Problem, outcome: Outcome) -> str:
    sign = _SIGNS[problem.severity][0]
    lead = f"{sign} " if problem.severity is not outcome.problems[0].severity else ""
    return f"{lead}{printable(problem.where)}: {printable(problem.cause)}\n      {printable(problem.remedy)}"


def _conclusion(outcomes: Sequence[Outcome]) -> str:
    counts = {
        severity: sum(1 for one in outcomes for p in one.problems if p.severity is severity) for severity in Severity
    }
    if not any(counts.values()):
        return f"passed: {len(outcomes)} checks found nothing"
    said = "failed" if counts[Severity.FAILED] else "passed"
    words = {Severity.FAILED: "wrong", Severity.WARNING: "to look at", Severity.UNKNOWN: "not seen"}
    return f"{said}: {', '.join(f'{count} {words[severity]}' for severity, count in counts.items() if count)}"


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes as one JSON object."""
    checks = [
        {
            "check": outcome.check.anchor,
            "category": outcome.check.category,
            "title": outcome.check.title,
            "problems": [
                {"severity": one.severity, "where": one.where, "cause": one.cause, "remedy": one.remedy}
                for one in outcome.problems
            ],
        }
        for outcome in outcomes
    ]
    return json.dumps({"passed": not any(one.failed for one in outcomes), "checks": checks}, indent=2)


def as_junit(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes as JUnit's XML: a test case for each check; one with warnings alone passes."""
    suites = ET.Element("testsuites", name="multimesh check")
    for category, found in groupby(outcomes, lambda outcome: outcome.check.category):
        members = list(found)
        failures = sum(outcome.failed for outcome in members)
        suite = ET.SubElement(suites, "testsuite", name=category, tests=str(len(members)), failures=str(failures))
        for outcome in members:
            case = ET.SubElement(suite, "testcase", classname=category, name=outcome.check.title)
            text = "\n".join(_line(one, outcome) for one in outcome.problems)
            if outcome.failed:
                ET.SubElement(case, "failure", message=printable(outcome.problems[0].cause)).text = text
            elif text:
                ET.SubElement(case, "system-out").text = text
    return ET.tostring(suites, encoding="unicode", xml_declaration=True)
