"""Runs that are ended in the middle, or that meet: the next one goes on from there, and nothing is left behind."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from typing import Any

import pytest

from lab.allocation import find_all
from lab.stack import PulumiError, Stack
from tests.e2e import machine
from tests.faults.figures import Figures

LOCKED = r"the stack is currently locked by 1 lock\(s\)"


def end_when(stack: Stack, process: subprocess.Popen[str], line: str, seconds: float, how: signal.Signals) -> None:
    """End a Pulumi command `seconds` after it has printed a `line` (a pattern)."""
    assert process.stdout
    watchdog = threading.Timer(300, process.kill)
    watchdog.start()
    try:
        for printed in process.stdout:
            stack.show(printed.rstrip())
            if re.search(line, printed):
                break
        else:
            pytest.fail(f"it ended before it printed {line}")
        time.sleep(seconds)
        assert process.poll() is None, "it must be ended in the middle"
        stack.show(f"--- {how.name}")
        os.kill(process.pid, how)
        for printed in process.stdout:
            stack.show(printed.rstrip())
        process.wait()
    finally:
        watchdog.cancel()
        process.stdout.close()


def clusters(stack: Stack) -> set[str]:
    """The ids of this machine's clusters that the stack made."""
    return {found.id for found in find_all() if str(stack.project) in found.owner}


def pending(stack: Stack) -> list[Any]:
    """What the state says was begun and not ended."""
    return json.loads(stack.state())["deployment"].get("pending_operations") or []


def up_killed(stack: Stack, figures: Figures, moment: str, line: str, seconds: float) -> None:
    """Kill an `up` in the middle and let the next one go on."""
    end_when(stack, stack.begin("up", "--skip-preview"), line, seconds, signal.SIGKILL)
    stack.cancel()
    start = time.monotonic()
    stack.up()
    took = time.monotonic() - start
    assert stack.settled() == []
    assert clusters(stack) == {lab["id"] for lab in stack.labs().values()}
    stack.refresh("--clear-pending-creates")
    assert pending(stack) == []
    stack.up("--expect-no-changes")
    figures.of_run(f"`pulumi up` killed {moment}", f"the next `up` converges in {took:.0f} s, no cluster left behind")


def destroy_ended(stack: Stack, before: set[str], figures: Figures, how: signal.Signals, line: str) -> None:
    """End a `destroy` in the middle and let the next one go on."""
    end_when(stack, stack.begin("destroy", "--skip-preview"), line, 0.3, how)
    if how == signal.SIGKILL:
        stack.cancel()
    start = time.monotonic()
    stack.destroy()
    took = time.monotonic() - start
    assert machine.left_since(before) == []
    assert clusters(stack) == set()
    figures.of_run(f"`pulumi destroy` ended by {how.name}", f"the next one ends in {took:.0f} s, nothing left")


def test_an_up_killed_while_it_makes_clusters_is_gone_on_with(unmade: Stack, figures: Figures) -> None:
    up_killed(unmade, figures, "while it makes clusters", r"LabCluster .* creating", 2)


def test_a_killed_destroy_is_gone_on_with(unmade: Stack, before: set[str], figures: Figures) -> None:
    destroy_ended(unmade, before, figures, signal.SIGKILL, r"LabCluster .* deleting")


def test_an_up_killed_while_it_installs_istio_is_gone_on_with(unmade: Stack, figures: Figures) -> None:
    up_killed(unmade, figures, "while it installs Istio", r"Release .*istiod.* creating", 2)


def test_an_interrupted_destroy_is_gone_on_with(unmade: Stack, before: set[str], figures: Figures) -> None:
    destroy_ended(unmade, before, figures, signal.SIGINT, r"Release .* deleting")


def test_an_up_killed_while_it_makes_routes_is_gone_on_with(unmade: Stack, figures: Figures) -> None:
    up_killed(unmade, figures, "while it makes routes", r"ServiceObjects .* creating", 0)


def test_a_second_up_is_refused_while_one_runs(unmade: Stack, figures: Figures) -> None:
    first = unmade.begin("up", "--skip-preview")
    assert first.stdout
    unmade.show(first.stdout.readline().rstrip())
    try:
        with pytest.raises(PulumiError, match=LOCKED):
            unmade.up()
        assert first.poll() is None, "the first must still run"
    finally:
        rest, _ = first.communicate(timeout=300)
        unmade.show(rest)
        first.stdout.close()
    assert first.returncode == 0
    figures.of_run("two `pulumi up` at once", "the second is refused: the stack is currently locked; the first is done")
