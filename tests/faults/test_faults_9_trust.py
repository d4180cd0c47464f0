"""Another root CA, and a revoked CA of a mesh, under load: docs/security.md. A command killed at each step goes on."""

import os
import signal
import subprocess
import sys
import time

import pytest

from components.trust import revocation
from lab.stack import Stack
from tests.e2e.test_4_revoked_ca import stolen, trust
from tests.faults import load as loads
from tests.faults.figures import Figures
from tests.faults.load import Load, load

STEPS = ["every mesh trusts both roots", "every mesh signs with the new root", "the former root is dropped"]


@pytest.fixture(autouse=True)
def _a_long_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads, "AT_MOST", 900)


def rotate(stack: Stack, *options: str, kill_at: str | None = None) -> int:
    """Run `multimesh rotate-root`; kill it 5 seconds after it has printed `kill_at`. Return its exit code."""
    command = [sys.executable, "-m", "multimesh", "rotate-root", "--stack", stack.name, *options]
    with subprocess.Popen(
        command,
        cwd=stack.project,
        env=stack.environment | {"PYTHONUNBUFFERED": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        for line in process.stdout or ():
            stack.show(line.rstrip())
            if kill_at and kill_at in line:
                time.sleep(5)
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode


def noted(figures: Figures, what: str, requests: Load, begun: float, remark: str) -> None:
    figures.of_load(what, requests, begun, remark)
    assert requests.reasons() == {}


def test_a_rotation_of_the_root_costs_no_request(stack: Stack, figures: Figures) -> None:
    had = stack.outputs().root_ca
    with load(stack.outputs().meshes["west"].ingress_url) as requests:
        begun = time.monotonic()
        assert rotate(stack) == 0
        took = time.monotonic() - begun
    assert stack.outputs().root_ca not in ("", had)
    assert list(stack.outputs().root_cas.values()) == [stack.outputs().root_ca]
    noted(figures, "another root CA", requests, begun, f"three steps in {took:.0f} s, no workload restarted")


def test_a_rotation_that_is_killed_at_each_step_goes_on(stack: Stack, figures: Figures) -> None:
    had = stack.outputs().root_ca
    with load(stack.outputs().meshes["west"].ingress_url) as requests:
        begun = time.monotonic()
        for step in STEPS:
            assert rotate(stack, kill_at=f"{step}: pulumi up") == -signal.SIGKILL
            stack.cancel()
        assert rotate(stack) == 0
    outputs = stack.outputs()
    assert outputs.root_ca != had
    assert list(outputs.root_cas) == ["created-3"], "it went on with the root that it had begun with"
    noted(figures, "another root CA, the command killed at each step", requests, begun, "the next run goes on")


def test_a_revocation_costs_no_request(stack: Stack, figures: Figures) -> None:
    serial = revocation.shown(stolen(stack).certificate.serial_number)
    with load(stack.outputs().meshes["west"].ingress_url) as requests:
        begun = time.monotonic()
        trust(stack, ca_generations={"east": 2})
        trust(stack, revoked=[serial])
        assert rotate(stack, "--check", "--restart") == 0
    noted(figures, "the CA of mesh east replaced and revoked", requests, begun, "restarts where it says so")
    assert stack.settled() == []
