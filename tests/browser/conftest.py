"""Debian's Chromium, headless, by Playwright; the page is served by the real server."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from multimesh.contract import VerifyOutputs
from multimesh.watch.observer import Seen
from tests.browser.watched import served

CHROMIUM = "/usr/lib/chromium/chromium"
"""The program itself: /usr/bin/chromium is a script that looks at the desktop."""

Open = Callable[..., Any]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The browser. The sandbox needs a user that is not root."""
    from playwright.sync_api import sync_playwright  # pyright: ignore[reportMissingImports]

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Open]:
    """Opens the page of a stack, waits until it is drawn, and fails if the browser refused or asked anything else."""
    with ExitStack() as cleanup:
        said, asked = list[str](), list[str]()

        def open_page(stack: VerifyOutputs, seen: dict[str, Seen], scheme: str = "light") -> Any:
            url = cleanup.enter_context(served(stack, seen))
            page = browser.new_page(color_scheme=scheme, viewport={"width": 1500, "height": 1000})
            cleanup.callback(page.close)
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.on("request", lambda request: asked.append(request.url))
            page.goto(url)
            page.wait_for_selector("body[data-drawn]")
            assert all(one.startswith(url) for one in asked), "nothing from outside"
            return page

        yield open_page
        complaints = [one for one in said if "net::ERR_FAILED" not in one]  # a test cut the line itself
        assert complaints == [], "the browser complained"


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for screenshots, to be looked at."""
    folder = Path(__file__).parents[2] / ".state/screenshots"
    if not folder.parent.exists():
        return tmp_path_factory.mktemp("screenshots")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
