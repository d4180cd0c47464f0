"""A stack that is up answers as configured, and has nothing left to do."""

import re
from typing import Any

import pytest

from lab.stack import Stack


@pytest.fixture(scope="module")
def report(stack: Stack) -> dict[str, Any]:
    """What `verify` finds right after the first `up`."""
    return stack.verify()


def test_every_mesh_answers_as_configured(report: dict[str, Any]) -> None:
    assert report["findings"] == []


def test_both_meshes_answer_whichever_is_asked(report: dict[str, Any]) -> None:
    for verdict in report["verdicts"]:
        assert {part["mesh"] for part in verdict["answered_by"] if part["count"]} == {"east", "west"}, verdict["path"]


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    stack.up("--expect-no-changes")


def test_a_refresh_finds_no_drift(stack: Stack) -> None:
    stack.refresh("--expect-no-changes")


def test_no_private_key_is_in_the_clear_in_the_state(stack: Stack) -> None:
    assert not re.findall(r"PRIVATE KEY|client-key-data", stack.state())
