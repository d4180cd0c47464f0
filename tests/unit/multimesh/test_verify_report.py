"""What `verify` prints, word for word."""

from io import StringIO

import pytest
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from multimesh.verify.answers import Answer, Failure, Outcome
from multimesh.verify.judge import Measurement, Path, judge
from multimesh.verify.report import Report, as_json, print_table

WEIGHTS = {"east": 50, "west": 50}


def report(east: int, west: int, failed: int = 0) -> Report:
    outcomes: list[Outcome] = [Answer("east", 2 + n / 10) for n in range(east)]
    outcomes += [Answer("west", 4 + n / 10) for n in range(west)]
    outcomes += [Failure("503 Service Unavailable")] * failed
    measurements = [Measurement(mesh, path, f"http://{mesh}/", outcomes) for mesh in WEIGHTS for path in Path]
    return Report("echo.demo.global", WEIGHTS, 100, 0.999, judge(measurements, WEIGHTS, 0.999))


PASSED = report(east=52, west=48)
FAILED = report(east=88, west=9, failed=3)


def printed(report: Report, **console: bool | int) -> str:
    text = StringIO()
    print_table(report, Console(file=text, **console))  # type: ignore[arg-type]
    return text.getvalue()


@pytest.mark.parametrize("report", [PASSED, FAILED], ids=["passed", "failed"])
def test_the_table_is_the_recorded_one(report: Report, snapshot: SnapshotAssertion) -> None:
    assert printed(report) == snapshot


@pytest.mark.parametrize("report", [PASSED, FAILED], ids=["passed", "failed"])
def test_the_json_is_the_recorded_one(report: Report, snapshot: SnapshotAssertion) -> None:
    assert as_json(report) == snapshot


def test_the_table_does_not_depend_on_the_width_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = printed(PASSED)
    monkeypatch.setenv("COLUMNS", "20")
    assert printed(PASSED) == wide


def test_the_table_fits_a_terminal_of_80_columns() -> None:
    lines = printed(PASSED, force_terminal=True, width=80, no_color=True).splitlines()
    assert all("…" not in line for line in lines)


def test_square_brackets_in_a_reason_are_printed() -> None:
    measurement = Measurement("east", Path.INGRESS, "http://east/", [Failure("[Errno 111] refused")])
    assert "[Errno 111] refused" in printed(
        Report("e", {"east": 1}, 1, 0.999, judge([measurement], {"east": 1}, 0.999))
    )
