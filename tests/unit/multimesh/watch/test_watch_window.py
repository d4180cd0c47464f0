"""Rates and latencies of the last seconds, from counters that only grow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimesh.watch.reading import Counts, Reading
from multimesh.watch.window import Rate, Window, quantile

EAST, WEST = ("echo.demo.global", "east"), ("echo.demo.global", "west")


def reading(sent: int, failed: int = 0) -> Reading:
    return Reading({EAST: Counts(sent, failed)})


def rate(window: Window) -> float:
    return window.rates()[EAST].per_second


def test_one_reading_tells_no_rate() -> None:
    window = Window()
    window.add(100.0, {"a": reading(1000)})
    assert window.rates() == {}


def test_a_rate_is_over_the_last_ten_seconds() -> None:
    window = Window()
    for second in range(60):
        window.add(float(second), {"a": reading(second * 50 if second < 30 else 1500 + (second - 30) * 20)})
    assert rate(window) == pytest.approx(20)


def test_before_ten_seconds_it_is_over_those_that_there_are() -> None:
    window = Window()
    for second in range(4):
        window.add(float(second), {"a": reading(second * 50)})
    assert rate(window) == pytest.approx(50)


def test_what_a_proxy_counted_before_it_was_first_seen_is_no_rate() -> None:
    window = Window()
    window.add(0.0, {"a": reading(10)})
    window.add(1.0, {"a": reading(20), "b": reading(100_000)})
    window.add(2.0, {"a": reading(30), "b": reading(100_005)})
    assert rate(window) == pytest.approx((10 + 10 + 5) / 2)


def test_a_proxy_that_began_anew_counts_from_nothing() -> None:
    window = Window()
    window.add(0.0, {"a": reading(1000)})
    window.add(1.0, {"a": reading(7)})
    assert rate(window) == pytest.approx(7)


def test_a_proxy_that_was_silent_once_is_not_counted_twice() -> None:
    window = Window()
    window.add(0.0, {"a": reading(100)})
    window.add(1.0, {})
    window.add(2.0, {"a": reading(160)})
    assert rate(window) == pytest.approx(30)


def test_failures_are_those_of_the_window() -> None:
    window = Window()
    window.add(0.0, {"a": reading(0, 5)})
    window.add(1.0, {"a": reading(10, 8)})
    assert window.rates()[EAST] == Rate(10.0, 3)
    for second in range(2, 14):
        window.add(float(second), {"a": reading(10, 8)})
    assert window.rates()[EAST] == Rate(0.0, 0)


def test_an_ejection_is_counted_by_proxy_until_the_proxy_is_gone() -> None:
    window = Window()
    gone = Reading({WEST: Counts()}, frozenset({WEST}))
    window.add(0.0, {"a": gone, "b": gone, "c": reading(1)})
    assert window.ejected == {WEST: 2}
    window.forget({"a"})
    assert window.ejected == {WEST: 1}


@given(st.lists(st.integers(0, 200), min_size=2, max_size=40), st.integers(1, 5))
def test_rates_add_up_to_what_was_sent(steps: list[int], proxies: int) -> None:
    window, sent = Window(), 0
    for second, step in enumerate([0, *steps]):
        sent += step
        window.add(float(second), {f"{number}": reading(sent) for number in range(proxies)})
    seconds = min(10, len(steps))
    assert rate(window) * seconds == pytest.approx(proxies * sum(steps[-seconds:]))


def test_latencies_are_those_of_the_window() -> None:
    window = Window()
    slow, fast = {100.0: 50}, {1.0: 10}
    window.add(0.0, {"a": Reading({}, latency={"echo": slow})})
    window.add(1.0, {"a": Reading({}, latency={"echo": slow | fast}), "b": Reading({}, latency={"echo": slow})})
    assert window.latencies() == {"echo": fast}


@pytest.mark.parametrize(
    ("buckets", "part", "milliseconds"),
    [
        ({}, 0.5, None),
        ({1.0: 0}, 0.5, None),
        ({1.0: 1}, 0.99, 1.0),
        ({1.0: 50, 2.0: 50}, 0.5, 1.0),
        ({1.0: 50, 2.0: 50}, 0.51, 2.0),
        ({5.0: 1, 1.0: 98, 9.0: 1}, 0.99, 5.0),
    ],
)
def test_a_quantile_is_where_so_many_were_answered(
    buckets: dict[float, int], part: float, milliseconds: float | None
) -> None:
    assert quantile(buckets, part) == milliseconds
