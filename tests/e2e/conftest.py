"""One stack for all end-to-end tests, in the order of the files: created, checked, changed, killed, destroyed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.stack import Stack
from tests.e2e import machine, terminal

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def show(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Prints a line to the terminal at once, past pytest's capture, with the seconds since the start."""
    return terminal.printer(request.config)


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
    with Stack(tmp_path_factory.mktemp("stack"), show).destroyed_at_the_end() as stack:
        stack.preview()
        stack.up()
        yield stack
