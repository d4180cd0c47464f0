"""A test that needs what the machine lacks is skipped with the reason, or fails where nothing may be skipped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TEST = """
import pytest

@pytest.mark.needs("linux", "no-such-program")
def test_a() -> None:
    raise AssertionError
"""
NEEDS = Path(__file__).parent / "conftest.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(NEEDS.read_text() + "\nplatform.system = lambda: 'Darwin'\n")
    (tmp_path / "test_it.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = needs\n")
    return tmp_path


def said(folder: Path, *options: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "-rEs", *options, folder]
    wide = os.environ | {"COLUMNS": "200"}
    done = subprocess.run(command, cwd=folder, env=wide, capture_output=True, text=True, check=False)
    return [line for line in done.stdout.splitlines() if line.startswith(("SKIPPED", "ERROR "))]


def test_what_a_skipped_test_needs_is_said(folder: Path) -> None:
    (line,) = said(folder)
    assert line.startswith("SKIPPED")
    assert line.endswith("needs Linux, not Darwin and no-such-program on PATH")


def test_where_nothing_may_be_skipped_it_fails(folder: Path) -> None:
    assert said(folder, "--no-skips") == [
        "ERROR test_it.py::test_a - Failed: needs Linux, not Darwin and no-such-program on PATH"
    ]
