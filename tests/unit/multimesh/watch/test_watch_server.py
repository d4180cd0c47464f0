"""The page's server: who may ask, and what may run on the page."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

import pytest
from aiohttp import ClientResponse, ClientSession, web
from drawn_stacks import outputs

from multimesh.stack import OutputsError
from multimesh.topology.model import topology
from multimesh.watch.observer import Seen
from multimesh.watch.server import ADDRESS, application

TOKEN = "the-token"
Ask = Callable[[ClientSession, str], Awaitable[ClientResponse]]


def checks() -> str:
    return '{"checks": []}'


def ask(request: Ask, checks: Callable[[], str] = checks) -> tuple[int, str, Mapping[str, str]]:
    """Serve the page, and return the status, the text and the headers of the answer to one request."""

    async def run() -> tuple[int, str, Mapping[str, str]]:
        runner = web.AppRunner(application(topology(outputs()), lambda: {"mesh-00": Seen()}, checks, TOKEN))
        await runner.setup()
        try:
            await web.TCPSite(runner, ADDRESS, 0).start()
            async with ClientSession() as session:
                answer = await request(session, f"http://{ADDRESS}:{runner.addresses[0][1]}")
                return answer.status, await answer.text(), answer.headers
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def get(path: str, **headers: str) -> Ask:
    return lambda session, url: session.get(f"{url}{path}", headers=headers)


def test_the_page_has_the_picture_and_may_run_its_own_script_alone() -> None:
    status, text, headers = ask(get(f"/{TOKEN}/"))
    assert status == 200
    assert 'data-answers="mesh-01"' in text
    assert "<script src=" in text
    assert "<style" not in text
    assert "default-src 'none'; script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/state", "/wrong/", "/wrong/state", f"/{TOKEN}"])
def test_without_the_token_there_is_nothing(path: str) -> None:
    status, text, headers = ask(get(path))
    assert (status, text) == (404, "Not Found\n")
    assert "Content-Security-Policy" in headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Host": "localhost"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_name_or_a_page_of_another_origin_is_refused_whoever_knows_the_token(headers: dict[str, str]) -> None:
    status, text, _ = ask(get(f"/{TOKEN}/state", **headers))
    assert (status, text) == (403, "this page answers on this machine alone\n")


def test_the_state_is_json() -> None:
    status, text, _ = ask(get(f"/{TOKEN}/state"))
    assert status == 200
    assert [mesh["name"] for mesh in json.loads(text)["meshes"]] == ["mesh-00", "mesh-01"]


@pytest.mark.parametrize("name", ["watch.js", "watch.css"])
def test_the_page_brings_all_that_it_needs(name: str) -> None:
    status, text, _ = ask(get(f"/{TOKEN}/{name}"))
    assert status == 200
    assert "http://" not in text
    assert "https://" not in text


def test_the_checks_run_when_they_are_asked_for_and_not_by_a_link() -> None:
    assert ask(lambda session, url: session.post(f"{url}/{TOKEN}/checks"))[:2] == (200, '{"checks": []}')
    assert ask(get(f"/{TOKEN}/checks"))[0] == 405


def test_why_the_checks_cannot_run_is_told() -> None:
    def fail() -> str:
        raise OutputsError("no stack is selected")

    status, text, _ = ask(lambda session, url: session.post(f"{url}/{TOKEN}/checks"), fail)
    assert (status, json.loads(text)) == (502, {"error": "no stack is selected"})
