"""What becomes of requests to mesh west while something of the federation is broken."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest

from lab.stack import Stack
from tests.faults import breaks
from tests.faults.figures import Figures
from tests.faults.load import load

Cut = Callable[[str, str], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def west(stack: Stack) -> str:
    """The ingress that the load goes through."""
    return stack.outputs().meshes["west"].ingress_url


def test_a_killed_gateway_of_the_peer_is_not_missed(stack: Stack, west: str, figures: Figures) -> None:
    with load(west) as requests:
        killed = time.monotonic()
        breaks.kill_gateway(stack, "east")
        time.sleep(10)
        both = requests.seconds_until_both_answer(time.monotonic(), 120)
        time.sleep(5)
    figures.of_load("the peer's gateway killed", requests, killed, f"the split is back within {10 + both:.0f} s")
    assert len(requests.failures()) <= 5
    assert requests.failures(killed + 10) == []


@pytest.mark.parametrize(
    ("cut", "what"),
    [
        (breaks.packets_dropped, "the link cut by a packet filter for 20 s, then healed"),
        (breaks.link_down, "the peer's link down for 20 s, then up"),
    ],
)
def test_a_cut_link_is_not_missed_and_the_split_comes_back(
    stack: Stack, west: str, figures: Figures, cut: Cut, what: str
) -> None:
    ids = {mesh: lab["id"] for mesh, lab in stack.labs().items()}
    with load(west) as requests:
        with cut(ids["east"], ids["west"]):
            begun = time.monotonic()
            time.sleep(20)
            by = requests.answered_by(begun + 12)
        healed = time.monotonic()
        back = requests.seconds_until_both_answer(healed, 90)
        time.sleep(5)
    figures.of_load(what, requests, begun, f"the split is back {back:.0f} s after healing")
    assert set(by) == {"west"}
    assert requests.failures(begun + 10) == []
    assert len(requests.failures()) <= 25
    assert stack.settled() == []


@pytest.mark.parametrize("mesh", ["east", "west"])
def test_nothing_fails_while_an_istiod_is_down(stack: Stack, west: str, figures: Figures, mesh: str) -> None:
    with load(west) as requests:
        stopped = time.monotonic()
        with breaks.without_pods(stack, mesh, "istio-system", "istiod"):
            time.sleep(20)
            by = requests.answered_by(stopped + 5)
        time.sleep(10)
    where = "the asked mesh" if mesh == "west" else "the peer"
    figures.of_load(f"istiod of {where} down for 20 s", requests, stopped, "the split is unchanged")
    assert requests.reasons() == {}
    assert set(by) == {"east", "west"}


def test_errors_that_the_application_answers_take_the_service_from_nobody(west: str, figures: Figures) -> None:
    begun, statuses = time.monotonic(), Counter[int]()
    with load(west) as requests:
        while time.monotonic() < begun + 20:
            statuses[httpx.get(f"{west}/?codes=503", timeout=5, trust_env=False).status_code] += 1
            time.sleep(0.25)
    figures.of_load("the application answers 503 to four requests a second", requests, begun, "the split is unchanged")
    assert set(statuses) == {503}
    assert requests.reasons() == {}
    assert set(requests.answered_by(begun + 5)) == {"east", "west"}
