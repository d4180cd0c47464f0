"""Faults by hand, in the order of the files: of a stack's traffic, of its runs, of its machine. Figures at the end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.stack import Stack
from tests.e2e import machine, terminal
from tests.faults.figures import Figures

HERE = Path(__file__).parent
FIGURES = pytest.StashKey[Figures]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = Figures()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(900))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[FIGURES].rows:
        terminalreporter.write_sep("=", "figures")
        terminalreporter.write_line(config.stash[FIGURES].table())


@pytest.fixture(scope="session")
def show(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Prints a line to the terminal at once, with the seconds since the start."""
    return terminal.printer(request.config)


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Figures:
    """What is measured."""
    return request.config.stash[FIGURES]


@pytest.fixture(scope="module")
def before() -> set[str]:
    """The machine as it was before the stack."""
    return machine.snapshot()


@pytest.fixture(scope="module")
def unmade(
    before: set[str],  # noqa: ARG001  taken before anything is made
    tmp_path_factory: pytest.TempPathFactory,
    show: Callable[[str], None],
) -> Iterator[Stack]:
    """The stack with nothing made of it yet; destroyed at the end whatever happens."""
    with Stack(tmp_path_factory.mktemp("stack"), show, "faults").destroyed_at_the_end() as stack:
        yield stack


@pytest.fixture(scope="module")
def stack(unmade: Stack) -> Stack:
    """The stack, up, and answering as configured."""
    unmade.up()
    assert unmade.settled() == []
    return unmade
