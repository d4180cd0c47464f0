"""What `multimesh watch` shows of a load and of a cut link, beside what the load generator counted."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from lab.stack import Stack
from multimesh.verify.answers import Answer
from tests.faults import breaks
from tests.faults.figures import Figures
from tests.faults.load import Load, load

SERVICE = "echo.demo.global"
State = Callable[[], dict[str, Any]]


@pytest.fixture(scope="module")
def state(stack: Stack) -> Iterator[State]:
    """Returns what the page is told, by the command itself."""
    command = [sys.executable, "-m", "multimesh", "watch", "--stack", stack.name]
    with subprocess.Popen(
        command, cwd=stack.project, env=stack.environment, text=True, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().strip()
            yield lambda: httpx.get(f"{url}state").raise_for_status().json()
        finally:
            process.terminate()


def pairs(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The calls of west's proxies, by mesh that answers."""
    return {one["to"]: one for one in shown["pairs"] if one["service"] == SERVICE and one["from"] == "west"}


def east(shown: dict[str, Any]) -> dict[str, Any]:
    """What west's proxies send to east; nothing is shown of a pair without traffic and trouble."""
    return pairs(shown).get("east", {"failed": 0, "ejected": 0})


def counted(requests: Load, shown: dict[str, Any], now: float) -> float:
    """How many requests a second were over in the seconds that west's rates are of."""
    west = next(mesh for mesh in shown["meshes"] if mesh["name"] == "west")
    until = now - west["age"]
    return sum(until - west["seconds"] < one.over <= until for one in list(requests.requests)) / west["seconds"]


def percentile(requests: Load, part: float) -> float:
    taken = sorted(one.outcome.milliseconds for one in requests.requests if isinstance(one.outcome, Answer))
    return taken[int(part * (len(taken) - 1))]


def test_the_numbers_are_those_of_the_load_generator(stack: Stack, state: State, figures: Figures) -> None:
    with load(stack.outputs().meshes["west"].ingress_url) as requests:
        time.sleep(32)  # one window of rates, and one of latencies
        begun = time.monotonic()
        looks, sent = list[dict[str, dict[str, Any]]](), list[float]()
        for _ in range(10):
            shown = state()
            sent.append(counted(requests, shown, time.monotonic()))
            looks.append(pairs(shown))
            time.sleep(1)
    seen = sum(one["rate"] for look in looks for one in look.values()) / len(looks)
    generated = sum(sent) / len(sent)
    share = sum(look["east"]["share"] for look in looks) / len(looks)
    by = requests.answered_by(begun - 10)
    last = looks[-1]["east"]
    figures.of_run(
        "watch, 50 requests a second",
        f"shows {seen:.2f} a second of {generated:.2f}, {share:.1%} in east of {by['east'] / by.total():.1%}, "
        f"p50 {last['p50']:.1f} ms (client {percentile(requests, 0.5):.1f}), "
        f"p99 {last['p99']:.1f} ms (client {percentile(requests, 0.99):.1f})",
    )
    assert requests.reasons() == {}
    assert seen == pytest.approx(generated, rel=0.01)
    assert share == pytest.approx(by["east"] / by.total(), abs=0.05)
    assert last["p50"] <= last["p99"]


def test_a_lost_link_shows_within_five_seconds_and_its_end_too(stack: Stack, state: State, figures: Figures) -> None:
    ids = {mesh: lab["id"] for mesh, lab in stack.labs().items()}
    with load(stack.outputs().meshes["west"].ingress_url) as requests:
        until(state, lambda shown: not pairs(shown).get("east", {"failed": 1})["failed"], 60)
        with breaks.packets_dropped(ids["east"], ids["west"]):
            begun = time.monotonic()
            until(state, lambda shown: east(shown)["failed"] or east(shown)["ejected"], 20)
            failing = time.monotonic() - begun
            until(state, lambda shown: east(shown)["ejected"], 20)
            ejected = time.monotonic() - begun
        healed = time.monotonic()
        until(state, lambda shown: not east(shown)["ejected"], 90)
        back = time.monotonic() - healed
    figures.of_load(
        "watch, the link cut",
        requests,
        begun,
        f"failures show after {failing:.1f} s, the ejection after {ejected:.1f} s, its end {back:.0f} s after healing",
    )
    assert failing < 4  # the page asks once a second


def test_a_cluster_that_does_not_answer_is_said(stack: Stack, state: State) -> None:
    east = stack.labs()["east"]["id"]

    def trouble(shown: dict[str, Any]) -> str:
        return next(mesh["trouble"] for mesh in shown["meshes"] if mesh["name"] == "east")

    until(state, lambda shown: not trouble(shown), 30)
    with breaks.link_down(east, ""):
        until(state, trouble, 20)
    until(state, lambda shown: not trouble(shown), 60)


def until(state: State, seen: Callable[[dict[str, Any]], Any], seconds: float) -> None:
    """Look until it is seen. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not seen(shown := state()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not seen within {seconds:g} s: {shown['meshes']}, {pairs(shown)}")
        time.sleep(0.2)
