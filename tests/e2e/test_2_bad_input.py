"""Mistakes as a user meets them: one message by the real engine, and nothing changed."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.stack import PulumiError, Stack


@pytest.fixture
def mistaken(show: Callable[[str], None], tmp_path: Path) -> Iterator[Stack]:
    """A stack of its own, that nothing may be made of."""
    stack = Stack(tmp_path, show, "mistaken")
    yield stack
    assert set(re.findall(r'"type": "(\w+:[^"]+)"', stack.state())) <= {"pulumi:pulumi:Stack"}


def refused(stack: Stack, *command: str) -> list[str]:
    """What a command says that must fail: the lines of its errors."""
    with pytest.raises(PulumiError) as caught:
        stack.pulumi(*command, "--stack", stack.name)
    said = str(caught.value)
    assert "Traceback" not in said
    return [line.strip() for line in said.splitlines()]


def test_all_mistakes_of_a_configuration_are_one_message(mistaken: Stack) -> None:
    def spoil(config: dict[str, Any]) -> None:
        config["multimesh:meshes"]["East"] = {"cluster": {"kind": "lokal"}}
        config["multimesh:services"][0]["meshes"] = {"east": -1}

    mistaken.configure(spoil)
    said = refused(mistaken, "up", "--yes", "--skip-preview")
    assert "error: the stack's configuration has 3 mistakes; nothing was changed:" in said
    assert any(line.startswith("multimesh:meshes.East.cluster.kind: 'lokal': allowed: ") for line in said)


def test_a_mesh_that_is_there_twice_is_named(mistaken: Stack) -> None:
    file = mistaken.project / "Pulumi.mistaken.yaml"
    file.write_text(file.read_text().replace("    west:\n", "    east:\n"))
    assert any('mapping key "east" already defined' in line for line in refused(mistaken, "preview"))


def test_a_wrong_passphrase_is_said_before_anything_is_made(mistaken: Stack) -> None:
    mistaken.environment["PULUMI_CONFIG_PASSPHRASE"] = "another"
    said = refused(mistaken, "up", "--yes", "--skip-preview")
    assert said[1:] == ["error: getting stack configuration: get stack secrets manager: incorrect passphrase"]
