"""Reading outputs from a backend that is written meanwhile, or that refuses."""

from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from components.federation import stack_outputs
from components.federation.stack_outputs import UnreadableStackError, read

HALF_WRITTEN = "invoke of readStackOutputs failed: failed to load checkpoint: EOF"


def answering(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> list[Any]:
    """Let the engine answer so, one after another; return what it was asked."""
    asked, left = list[Any](), iter(answers)

    def invoke(*about: Any) -> Any:
        asked.append(about)
        answer = next(left)
        if isinstance(answer, str):
            raise RuntimeError(answer)
        return SimpleNamespace(value={"outputs": answer})

    monkeypatch.setattr(pulumi.runtime, "invoke", invoke)
    return asked


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_outputs, "_PAUSE_SECONDS", 0)


def test_a_state_that_is_being_written_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, HALF_WRITTEN, HALF_WRITTEN, {"suffix": "global"})
    assert read("east") == {"suffix": "global"}
    assert asked == [("pulumi:pulumi:readStackOutputs", {"name": "east"})] * 3


def test_a_state_that_stays_broken_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, *[HALF_WRITTEN] * 9)
    with pytest.raises(UnreadableStackError, match=r"stack east cannot be read: .*failed to load checkpoint: EOF"):
        read("east")
    assert len(asked) == 5


def test_another_refusal_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, "passphrase must be set", {})
    with pytest.raises(UnreadableStackError, match="passphrase must be set"):
        read("east")
    assert len(asked) == 1


def test_a_stack_that_is_not_there_has_no_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "unknown stack 'east'")
    assert read("east") == {}
