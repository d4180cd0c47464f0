"""Lets a test say what it needs besides Python: `@pytest.mark.needs("linux", "shellcheck")`.

Times of examples that Hypothesis makes are not judged: on a busy machine the first one may take long.
"""

import platform
import shutil
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    help = "fail a test whose `needs` the machine does not meet, instead of skipping it"
    parser.addoption("--no-skips", action="store_true", help=help)


def pytest_runtest_setup(item: pytest.Item) -> None:
    unmet = list(_unmet(name for marker in item.iter_markers("needs") for name in marker.args))
    if not unmet:
        return
    reason = f"needs {' and '.join(unmet)}"
    if item.config.getoption("--no-skips"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _unmet(needs: Iterable[str]) -> Iterable[str]:
    """Yield what is missing: `linux` is the system, every other name is a program on PATH."""
    for name in dict.fromkeys(needs):
        if name == "linux":
            if platform.system() != "Linux":
                yield f"Linux, not {platform.system()}"
        elif not shutil.which(name):
            yield f"{name} on PATH"
