"""The terminal that the tests run in."""

import time
from collections.abc import Callable
from typing import Any

import pytest


def printer(config: pytest.Config) -> Callable[[str], None]:
    """What prints a line to the terminal at once, past pytest's capture, with the seconds since the start."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    start = time.monotonic()

    def show(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"{time.monotonic() - start:7.1f}  {line}", flush=True)

    return show
