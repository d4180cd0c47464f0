"""What `verify` prints, word for word."""

import json
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from multimesh.verify.answers import Answer, Failure, Outcome
from multimesh.verify.judge import Measurement, Path, Verdict, checks, error_of_each, judge
from multimesh.verify.judge_port import PortVerdict
from multimesh.verify.report import Report, as_json
from multimesh.verify.split import Reached
from multimesh.verify.tables import print_tables

WEIGHTS = {"east": 50, "west": 50}


def report(east: int, west: int, failed: int = 0) -> Report:
    outcomes: list[Outcome] = [Answer("east", 2 + n / 10) for n in range(east)]
    outcomes += [Answer("west", 4 + n / 10) for n in range(west)]
    outcomes += [Failure("503 Service Unavailable")] * failed
    measurements = [Measurement(mesh, path, f"http://{mesh}/", outcomes) for mesh in WEIGHTS for path in Path]
    return Report("echo.demo.global", WEIGHTS, 100, 0.999, judged(measurements, WEIGHTS))


def judged(measurements: list[Measurement], weights: dict[str, int]) -> list[Verdict]:
    return judge(measurements, weights, error_of_each(0.999, checks(measurements, weights)))


def port(mesh: str, service: str, number: int, protocol: str, **changed: Any) -> PortVerdict:
    parts = (Reached("east", 12, 0.3, 0.3, 1, 25), Reached("west", 28, 0.7, 0.7, 15, 39))
    return replace(PortVerdict(mesh, service, number, protocol, 40, parts, {}, {}, 0, 0.53, ()), **changed)


PASSED = report(east=52, west=48)
FAILED = report(east=88, west=9, failed=3)
PORTS = replace(
    PASSED,
    verdicts=(),
    ports=[
        port("east", "orders.shop.global", 80, "http"),
        port("east", "db.shop.global", 5432, "tcp", errors={"no mesh was reached": 2}, findings=("east, db: 2 fail",)),
        port("west", "orders.shop.global", 80, "http", remarkable={"refused: 403": 40}, repeated=2),
        port("west", "db.shop.global", 5432, "tcp", answered_by=()),
    ],
    not_asked={"queue.shop.global": "probe: none"},
    troubles=["south: no service can be asked: Forbidden"],
)


def printed(report: Report, **console: bool | int) -> str:
    text = StringIO()
    print_tables(report, Console(file=text, **console))  # type: ignore[arg-type]
    return text.getvalue()


@pytest.mark.parametrize("report", [PASSED, FAILED, PORTS], ids=["passed", "failed", "ports"])
def test_the_table_is_the_recorded_one(report: Report, snapshot: SnapshotAssertion) -> None:
    assert printed(report) == snapshot


@pytest.mark.parametrize("report", [PASSED, FAILED, PORTS], ids=["passed", "failed", "ports"])
def test_the_json_is_the_recorded_one(report: Report, snapshot: SnapshotAssertion) -> None:
    assert as_json(report) == snapshot


def test_the_table_does_not_depend_on_the_width_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = printed(PASSED)
    monkeypatch.setenv("COLUMNS", "20")
    assert printed(PASSED) == wide


@pytest.mark.parametrize("report", [PASSED, PORTS], ids=["sample", "ports"])
def test_the_table_fits_a_terminal_of_80_columns(report: Report) -> None:
    lines = printed(report, force_terminal=True, width=80, no_color=True).splitlines()
    assert all("…" not in line for line in lines)


def test_square_brackets_in_a_reason_are_printed() -> None:
    measurement = Measurement("east", Path.INGRESS, "http://east/", [Failure("[Errno 111] refused")])
    assert "[Errno 111] refused" in printed(Report("e", {"east": 1}, 1, 0.999, judged([measurement], {"east": 1})))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\x1b]0;owned\x07\x1b[2J", r"\x1b]0;owned\x07\x1b[2J"),
        ("[/red]", "[/red]"),
        ("[bold]west[/bold]", "[bold]west[/bold]"),
        ("\x9b31mwest", r"\x9b31mwest"),
        ("west\u202etsew", r"west\u202etsew"),
        ("west\npassed: every request was answered", r"west\npassed: every request was answered"),
    ],
    ids=["escapes", "closing tag", "markup", "C1", "direction", "line"],
)
def test_what_a_responder_says_does_nothing_to_the_terminal(said: str, shown: str) -> None:
    outcomes: list[Outcome] = [Answer("east", 1.0), Answer(said, 1.0), Failure(said)]
    sample = judged([Measurement("east", Path.INGRESS, "http://east/", outcomes)], {"east": 1})
    other = port("east", "a.b.global", 80, "http", remarkable={said: 1}, findings=(said,))
    whole = Report("e", {"east": 1}, 1, 0.999, sample, [other], {"c.d.global": said}, [said])
    text = printed(whole, force_terminal=True, width=400, no_color=True)
    assert text.count(shown) >= 6
    assert all(letter.isprintable() or letter == "\n" for letter in text.replace("\x1b[1m", "").replace("\x1b[0m", ""))
    assert json.loads(as_json(whole))["not_asked"] == {"c.d.global": said}
    assert all(letter.isprintable() or letter == "\n" for letter in as_json(whole))
