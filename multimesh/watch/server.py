"""The page on loopback. Whoever asks must know its token, and must have asked for this machine by name."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from aiohttp import web

from multimesh.topology.model import Topology
from multimesh.topology.style import STYLE
from multimesh.topology.svg import svg
from multimesh.watch.observer import Seen
from multimesh.watch.view import view

ADDRESS = "127.0.0.1"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_PLACE = "<!-- picture -->"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Checks = Callable[[], str]
"""Runs all checks once; returns what `multimesh check --output json` prints. Raises OutputsError."""


def application(
    picture: Topology, seen: Callable[[], Mapping[str, Seen]], checks: Checks, token: str
) -> web.Application:
    """Return the page below `/<token>/`: its parts, what is seen (`state`), and the checks (POST `checks`)."""
    from multimesh.stack import OutputsError

    page = _file("index.html").replace(_PLACE, svg(picture, live=True))
    running = asyncio.Lock()

    async def index(_: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html")

    async def style(_: web.Request) -> web.Response:
        return web.Response(text=STYLE + _file("watch.css"), content_type="text/css")

    async def script(_: web.Request) -> web.Response:
        return web.Response(text=_file("watch.js"), content_type="text/javascript")

    async def state(_: web.Request) -> web.Response:
        shown = view(picture, seen(), time.monotonic(), datetime.now(UTC).date())
        return web.Response(text=json.dumps(shown), content_type="application/json")

    async def check(_: web.Request) -> web.Response:
        if running.locked():
            return web.json_response({"error": "the checks are running"}, status=409)
        async with running:
            try:
                found = await asyncio.to_thread(checks)
            except OutputsError as error:
                return web.json_response({"error": str(error)}, status=502)
        return web.Response(text=found, content_type="application/json")

    app = web.Application(middlewares=[_guard])
    app.router.add_get(f"/{token}/", index)
    app.router.add_get(f"/{token}/watch.css", style)
    app.router.add_get(f"/{token}/watch.js", script)
    app.router.add_get(f"/{token}/state", state)
    app.router.add_post(f"/{token}/checks", check)
    return app


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a page of another origin could make a browser ask: another name for this machine, or from there."""
    port = ((request.transport and request.transport.get_extra_info("sockname")) or ("", 0))[1]
    own = {f"{ADDRESS}:{port}", f"localhost:{port}"}
    origin = request.headers.get("Origin")
    if request.host not in own or (origin and origin.removeprefix("http://") not in own):
        return web.Response(status=403, text="this page answers on this machine alone\n", headers=_HEADERS)
    try:
        answer = await handler(request)
    except web.HTTPException as error:
        return web.Response(status=error.status, text=f"{error.reason}\n", headers=_HEADERS)
    answer.headers.update(_HEADERS)
    return answer


async def serve(
    picture: Topology,
    seen: Callable[[], Mapping[str, Seen]],
    checks: Checks,
    port: int,
    started: Callable[[str], Any],
) -> None:
    """Serve the page until the task is cancelled; call `started` with its URL. Raises OSError if the port is taken."""
    token = secrets.token_urlsafe(24)
    runner = web.AppRunner(application(picture, seen, checks, token), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, ADDRESS, port).start()
        started(f"http://{ADDRESS}:{runner.addresses[0][1]}/{token}/")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _file(name: str) -> str:
    return (files("multimesh.watch") / "page" / name).read_text()
