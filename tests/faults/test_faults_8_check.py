"""What `multimesh check` says of one fault at a time: the first thing that is wrong names it."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from lab.stack import Stack
from tests.faults.check_breaks import ENVOY_FILTERS, POLICIES_NOT_HELD, Place, ca_without_its_key, failures, foreign
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


def test_a_ca_that_istiod_has_not_taken_is_named(place: Place) -> None:
    assert place.settled() == []
    with ca_without_its_key(place):
        said = {one.check.anchor: one.problems for one in place.check() if one.problems}
    assert [problem.where.split(",")[0] for problem in said["signing-ca"]] == ["east"]
    assert "istiod does not sign with the CA in the Secret cacerts" in said["signing-ca"][0].cause


@pytest.fixture
def closed(place: Place, stack: Stack) -> Iterator[Place]:
    """The stack, whose service only another service account may call."""

    def listing(callers: list[str] | None) -> None:
        def change(config: dict[str, Any]) -> None:
            config["multimesh:services"][0].pop("callers", None)
            config["multimesh:services"][0].update({"callers": callers} if callers else {})

        stack.configure(change)
        stack.up()

    listing(["west/ns/shop/sa/web"])
    yield Place(stack, place.east, place.west)
    listing(None)


def test_who_is_not_listed_is_refused_and_found_if_a_proxy_lets_it_in(closed: Place) -> None:
    remarks = until(lambda: [one.check.anchor for one in closed.check() if one.problems], lambda found: not found)
    assert remarks == []
    with foreign("EnvoyFilter", "envoyfilters", POLICIES_NOT_HELD, api=ENVOY_FILTERS)(closed):
        wrong = until(lambda: failures(closed.check()), bool)
    assert "calls were let in, of spiffe://" in wrong[0]
    assert wrong[0].startswith("unlisted-callers: ")


def until(look: Callable[[], list[str]], right: Callable[[list[str]], bool], seconds: float = 150) -> list[str]:
    """What is seen at last: proxies learn of a policy late, and its first 75 s are no fault."""
    deadline = time.monotonic() + seconds
    while not right(found := look()) and time.monotonic() < deadline:
        time.sleep(2)
    return found


def test_nothing_is_invented(place: Place) -> None:
    assert place.settled() == []
    elsewhere = "lab-remains"  # other stacks' clusters come and go on the machine
    looks = [[one.check.anchor for one in place.check() if one.problems] for _ in range(20)]
    assert [[found for found in look if found != elsewhere] for look in looks] == [[]] * 20
