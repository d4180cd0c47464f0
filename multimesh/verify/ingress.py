"""Requests from outside, to the ingress of a mesh."""

import asyncio
from time import perf_counter

import httpx

from multimesh.verify.answers import Failure, Outcome, cluster_of, judge_response
from multimesh.verify.https import Https

PER_SECOND = 100
AT_A_TIME = 10
GIVE_UP_AFTER = 10


def ask_ingress(url: str, requests: int, timeout: float = 5.0, https: Https | None = None) -> list[Outcome]:
    """Send `requests` GET requests to `url` and return their outcomes; each request has `timeout` seconds.

    With `https`, the gateway at `url` must prove the host by a chain that ends in a CA which is trusted.

    Every request opens its own connection, so that load balancers route each by itself, as they do with the first
    request of a user; the latency includes the time to connect. A request starts every 10 ms, so that they do not queue
    behind each other, but never more than ten run at a time. After ten failures in a row, the rest is counted as failed
    without being sent. Proxy settings of the environment are ignored.
    """
    return asyncio.run(_ask(url, requests, timeout, https))


async def _ask(url: str, requests: int, timeout: float, https: Https | None) -> list[Outcome]:
    outcomes: list[Outcome] = []
    free = asyncio.Semaphore(AT_A_TIME)

    async def ask() -> None:
        outcomes.append(await ask_once(client, url, timeout, https))
        free.release()

    async with (
        new_client(https) as client,
        asyncio.TaskGroup() as under_way,
    ):
        for _ in range(requests):
            await free.acquire()
            latest = outcomes[-GIVE_UP_AFTER:]
            if len(latest) == GIVE_UP_AFTER and all(isinstance(outcome, Failure) for outcome in latest):
                break
            under_way.create_task(ask())
            await asyncio.sleep(1 / PER_SECOND)
    not_sent = Failure(f"not sent after {GIVE_UP_AFTER} failures in a row")
    return outcomes + [not_sent] * (requests - len(outcomes))


def new_client(https: Https | None = None) -> httpx.AsyncClient:
    """Return a client that opens a connection for every request and ignores proxy settings."""
    one_connection_each = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    trusted = https.trusted() if https else True
    return httpx.AsyncClient(limits=one_connection_each, timeout=None, trust_env=False, verify=trusted)  # noqa: S113  ask_once bounds the whole request


async def ask_once(client: httpx.AsyncClient, url: str, timeout: float, https: Https | None = None) -> Outcome:
    """Send one GET request to `url` and return its outcome; it has `timeout` seconds in all."""
    start = perf_counter()
    try:
        async with asyncio.timeout(timeout):
            response = await client.get(url, **(https.named() if https else {}))
    except TimeoutError:
        return Failure(f"no answer within {timeout:g} s")
    except httpx.HTTPError as error:
        return Failure(str(error) or type(error).__name__)
    return judge_response(response.status_code, cluster_of(response.text), (perf_counter() - start) * 1000)
