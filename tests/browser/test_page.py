"""The page of `multimesh watch` in a browser: fast, in both colours, by keyboard, and without anything from outside."""

from pathlib import Path
from typing import Any

import pytest

from multimesh.topology.model import topology
from tests.browser.conftest import Open
from tests.browser.watched import busy
from tests.unit.drawn_stacks import outputs

FIRST, SECOND = ("service-000.shop.global", "mesh-00"), ("service-000.shop.global", "mesh-01")


def page_of(opened: Open, meshes: int, services: int, scheme: str = "light") -> Any:
    stack = outputs(meshes, services)
    return opened(stack, busy(topology(stack), {SECOND: 2}), scheme)


def test_twenty_meshes_with_a_hundred_services_are_drawn_in_under_a_second(opened: Open) -> None:
    page = page_of(opened, 20, 100)
    began, drawn = page.evaluate("[performance.timing.responseEnd, Number(document.body.dataset.drawnAt)]")
    assert drawn - began < 1000, f"{drawn - began:.0f} ms from the page's last byte"
    assert float(page.evaluate("document.body.dataset.drawn")) < 1000
    assert page.inner_text("#shown") == "400 of 4000 shown"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("meshes", "services"), [(2, 3), (20, 100)])
def test_it_is_drawn_in_the_colours_that_the_reader_chose(
    opened: Open, pictures: Path, scheme: str, meshes: int, services: int
) -> None:
    page = page_of(opened, meshes, services, scheme)
    page.screenshot(path=pictures / f"{meshes}-meshes-{scheme}.png", full_page=meshes < 20)
    for element in ("body", "svg.topology .ground"):
        colour = page.evaluate(
            "(name) => { const style = getComputedStyle(document.querySelector(name));"
            " return name === 'body' ? style.backgroundColor : style.fill; }",
            element,
        )
        light = sum(map(int, colour.strip("rgba()").split(",")[:3])) > 3 * 128 if "0, 0, 0, 0" not in colour else True
        assert light == (scheme == "light"), colour


def test_what_is_wrong_is_in_the_picture_in_the_table_and_said(opened: Open) -> None:
    page = page_of(opened, 2, 1)
    assert page.locator(f'[data-service="{SECOND[0]}"][data-answers="{SECOND[1]}"].bad').count() == 1
    assert page.locator(f'[data-service="{FIRST[0]}"][data-answers="{FIRST[1]}"].bad').count() == 0
    assert page.locator("#pairs tr").first.inner_text().split("\t")[-1] == "by 2 of 5"
    assert page.inner_text("#trouble-list") == f"{SECOND[0]}: {SECOND[1]} is ejected by 4 proxies"


def test_the_picture_tells_share_and_rate(opened: Open) -> None:
    page = page_of(opened, 2, 1)
    assert page.locator(f'[data-answers="{FIRST[1]}"] text').text_content() == "50 % · 100/s"


def test_the_keyboard_reaches_everything(opened: Open) -> None:
    page = page_of(opened, 3, 5)
    page.keyboard.press("/")
    page.keyboard.type("service-001 mesh-02")
    assert page.locator("#pairs tr").count() == 4
    page.keyboard.press("Escape")
    assert page.locator("#pairs tr").count() == 30
    reached = set[str]()
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label')"))
    assert {"run", "picture", "filter", "table of the calls", "table of the meshes"} <= reached


def test_the_checks_are_run_by_a_key_and_their_words_are_no_markup(opened: Open) -> None:
    page = page_of(opened, 2, 1)
    page.keyboard.press("c")
    page.wait_for_selector("#problems li")
    assert page.inner_text("#problems") == "roots agree: mesh-01: another root <b>x</b> restore it"
    assert page.evaluate("document.activeElement.id") == "checks-heading"


def test_a_server_that_is_gone_is_told(opened: Open) -> None:
    page = page_of(opened, 2, 1)
    page.route("**/state", lambda route: route.abort())
    page.wait_for_selector("#status:has-text('does not answer any more')")
    page.unroute("**/state")
    page.wait_for_selector("#status:has-text('a second')")
