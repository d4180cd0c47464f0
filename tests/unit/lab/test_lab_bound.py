"""An API server ends with its etcd, and nothing else is ended."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab import bound


@pytest.fixture
def pair() -> Iterator[list[subprocess.Popen[bytes]]]:
    """The program that is bound, and the one that it is bound to."""
    with subprocess.Popen(["sleep", "60"]) as one, subprocess.Popen(["sleep", "60"]) as other:
        yield [one, other]
        one.kill()
        other.kill()


@pytest.fixture
def binder(pair: list[subprocess.Popen[bytes]]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, bound.__file__, *(str(each.pid) for each in pair)]) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)  # it waits while both run
        yield process
        process.kill()


@pytest.mark.needs("linux")
def test_a_program_ends_when_the_one_it_is_bound_to_does(
    pair: list[subprocess.Popen[bytes]], binder: subprocess.Popen[bytes]
) -> None:
    one, other = pair
    other.kill()

    assert one.wait(10) == -signal.SIGKILL
    assert binder.wait(10) == 0


@pytest.mark.needs("linux")
def test_a_program_that_ends_by_itself_takes_nothing_along(
    pair: list[subprocess.Popen[bytes]], binder: subprocess.Popen[bytes]
) -> None:
    one, other = pair
    one.kill()

    assert binder.wait(10) == 0
    assert other.poll() is None


@pytest.mark.needs("linux")
def test_programs_that_are_gone_already_are_no_error(pair: list[subprocess.Popen[bytes]]) -> None:
    for each in pair:
        each.kill()
        each.wait()

    bound.bind(*(each.pid for each in pair))
