"""The command `multimesh check`: what it prints and returns."""

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from sound import SERVICE, federation
from typer.testing import CliRunner

import multimesh.__main__ as command
from multimesh import stack as stacks
from multimesh.check import run as checking
from multimesh.check.federation import Federation
from multimesh.stack import OutputsError

BROKEN = replace(federation(), clusters={}, silent={"east": "no \x1b[31manswer", "west": "no answer"})


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Federation]:
    """What is seen at each look, the last of them at all later ones."""
    looks = [federation()]
    monkeypatch.setattr(stacks, "read_outputs", lambda _stack: federation().outputs)
    monkeypatch.setattr(stacks, "read_state", lambda _stack: '{"deployment": {}}')
    monkeypatch.setattr(checking, "read_federation", lambda *_: looks.pop(0) if len(looks) > 1 else looks[0])
    return looks


def run(*arguments: str) -> Any:
    return CliRunner().invoke(command.app, ["check", *arguments])


@pytest.mark.usefixtures("seen")
def test_a_sound_stack_passes() -> None:
    result = run()
    assert result.exit_code == 0
    assert "√ every API server answers" in result.output
    assert "passed: " in result.output.splitlines()[-1]


def test_a_problem_says_where_why_and_what_to_do(seen: list[Federation]) -> None:
    seen[0] = BROKEN
    result = run()
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[lines.index("Clusters") :][:8] == [
        "Clusters",
        "--------",
        "× every API server answers",  # noqa: RUF001  the sign of linkerd's check
        "    east: no \\x1b[31manswer",
        "      start the cluster, or mend its kubeconfig; checks of its inside were left out",
        "    west: no answer",
        "      start the cluster, or mend its kubeconfig; checks of its inside were left out",
        "    see docs/check.md#api-server",
    ]


def test_json_has_every_check(seen: list[Federation]) -> None:
    seen[0] = BROKEN
    found = json.loads(run("--output", "json").stdout)
    assert found["passed"] is False
    assert [one["check"] for one in found["checks"]] == [check.anchor for check in checking.CHECKS]
    [failed] = [one for one in found["checks"] if one["problems"]]
    assert failed["problems"][1]["cause"] == "no answer"


def test_junit_has_a_test_case_for_every_check(seen: list[Federation]) -> None:
    seen[0] = BROKEN
    suites = ET.fromstring(run("--output", "junit").stdout)  # noqa: S314  made by the command
    assert len(suites.findall(".//testcase")) == len(checking.CHECKS)
    assert len(suites.findall(".//failure")) == 1


def test_it_waits_until_nothing_is_wrong(seen: list[Federation]) -> None:
    seen[:] = [BROKEN, federation()]
    assert run("--wait", "5").exit_code == 0


@pytest.mark.usefixtures("seen")
def test_a_stack_that_cannot_be_read_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_stack: str | None) -> str:
        raise OutputsError("no stack named 'x' found")

    monkeypatch.setattr(stacks, "read_state", missing)
    result = run("--stack", "x")
    assert result.exit_code == 2
    assert "multimesh check: no stack named 'x' found" in result.stderr


def test_unknown_meshes_and_services_are_refused() -> None:
    from multimesh.check.federation import read_federation

    sound = federation()
    with pytest.raises(OutputsError, match="no mesh north: the stack has east, west"):
        read_federation(sound.outputs, sound.made, [], ["north"], lambda _: None)
    with pytest.raises(OutputsError, match=f"no service api: the stack has .*{SERVICE}"):
        read_federation(sound.outputs, sound.made, ["api"], [], lambda _: None)
