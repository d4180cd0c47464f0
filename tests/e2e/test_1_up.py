"""A stack that is up answers as configured, and has nothing left to do."""

import re

from tests.e2e.stack import Stack


def test_every_mesh_answers_as_configured(stack: Stack) -> None:
    assert stack.verify()["findings"] == []


def test_both_meshes_answer_whichever_is_asked(stack: Stack) -> None:
    for verdict in stack.verify()["verdicts"]:
        assert {part["mesh"] for part in verdict["answered_by"] if part["count"]} == {"east", "west"}, verdict["path"]


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    stack.up("--expect-no-changes")


def test_a_refresh_finds_no_drift(stack: Stack) -> None:
    stack.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--stack", "e2e")


def test_no_private_key_is_in_the_clear_in_the_state(stack: Stack) -> None:
    assert not re.findall(r"PRIVATE KEY|client-key-data", stack.state())
