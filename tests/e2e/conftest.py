"""One stack for all end-to-end tests, in the order of the files: made, looked at, changed, killed, destroyed."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import cluster
from tests.e2e import machine
from tests.e2e.stack import PulumiFailed, Stack

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def show(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Prints a line to the terminal at once, past pytest's capture, with the seconds since the start."""
    capture: Any = request.config.pluginmanager.getplugin("capturemanager")
    start = time.monotonic()

    def show(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"{time.monotonic() - start:7.1f}  {line}", flush=True)

    return show


@pytest.fixture(scope="session")
def before() -> set[str]:
    """The machine as it was before the stack."""
    return machine.snapshot()


@pytest.fixture(scope="session")
def stack(
    before: set[str],  # noqa: ARG001  taken before anything is made
    tmp_path_factory: pytest.TempPathFactory,
    show: Callable[[str], None],
) -> Iterator[Stack]:
    """The stack, up; destroyed at the end whatever happens."""
    stack = Stack(tmp_path_factory.mktemp("stack"), show)
    try:
        stack.preview()
        stack.up()
        yield stack
    finally:
        labs = stack.labs()
        try:
            stack.destroy()
        except PulumiFailed:
            for lab in labs.values():
                cluster.destroy(lab["id"], show)
            raise
