"""What `multimesh check` says of one fault at a time: the first thing that is wrong names it."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from lab.stack import Stack
from tests.faults.check_breaks import Place, failures
from tests.faults.check_faults import FAULTS


@pytest.fixture(scope="module")
def place(stack: Stack) -> Iterator[Place]:
    with ExitStack() as opened:
        opened.enter_context(pytest.MonkeyPatch.context()).setenv(
            "PULUMI_BACKEND_URL", stack.environment["PULUMI_BACKEND_URL"]
        )
        east, west = (opened.enter_context(stack.api(mesh)).api_client for mesh in ("east", "west"))
        yield Place(stack, east, west)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_first_thing_that_is_wrong_is_the_fault(place: Place, fault: str) -> None:
    assert place.settled() == []
    break_it, anchor, cause = FAULTS[fault]
    with break_it(place):
        wrong = failures(place.check())
    assert wrong, "nothing was found"
    assert wrong[0].startswith(f"{anchor}: ")
    assert cause in wrong[0]


def test_nothing_is_invented(place: Place) -> None:
    assert place.settled() == []
    elsewhere = "lab-remains"  # other stacks' clusters come and go on the machine
    looks = [[one.check.anchor for one in place.check() if one.problems] for _ in range(20)]
    assert [[found for found in look if found != elsewhere] for look in looks] == [[]] * 20
