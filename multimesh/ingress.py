"""Requests from outside, to the ingress of a mesh."""

import asyncio
from collections.abc import Iterator
from time import perf_counter

import httpx

from multimesh.answers import Failure, Outcome, cluster_of, judge_response

AT_A_TIME = 4
GIVE_UP_AFTER = 10


def ask_ingress(url: str, requests: int, timeout: float = 5.0) -> list[Outcome]:
    """The outcomes of `requests` GET requests to `url`, `timeout` seconds each.

    Every request has a connection of its own, so that each takes its own way through load balancers, as the first
    request of a user does; its latency includes that. Four are under way at a time, too few to queue behind each other.
    Once ten in a row have failed, the rest is counted as failed without being sent. Proxies of the environment are not
    used.
    """
    return asyncio.run(_ask(url, requests, timeout))


async def _ask(url: str, requests: int, timeout: float) -> list[Outcome]:
    outcomes: list[Outcome] = []

    async def work(numbers: Iterator[int]) -> None:
        for _ in numbers:
            if len(outcomes) >= GIVE_UP_AFTER and all(isinstance(o, Failure) for o in outcomes[-GIVE_UP_AFTER:]):
                outcomes.append(Failure(f"not sent after {GIVE_UP_AFTER} failures in a row"))
            else:
                outcomes.append(await _ask_once(client, url, timeout))

    one_connection_each = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(limits=one_connection_each, timeout=None, trust_env=False) as client:  # noqa: S113  _ask_once bounds the whole request
        numbers = iter(range(requests))
        await asyncio.gather(*(work(numbers) for _ in range(AT_A_TIME)))
    return outcomes


async def _ask_once(client: httpx.AsyncClient, url: str, timeout: float) -> Outcome:
    start = perf_counter()
    try:
        async with asyncio.timeout(timeout):
            response = await client.get(url)
    except TimeoutError:
        return Failure(f"no answer within {timeout:g} s")
    except httpx.HTTPError as error:
        return Failure(str(error) or type(error).__name__)
    return judge_response(response.status_code, cluster_of(response.text), (perf_counter() - start) * 1000)
