"""The event loops that Pulumi's SDK opens while a program runs under mocks."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch


@contextmanager
def own_event_loops() -> Iterator[None]:
    """Close the event loops that the SDK opens in each of its threads and leaves to the garbage collector."""
    opened: list[asyncio.AbstractEventLoop] = []
    new_event_loop = asyncio.new_event_loop

    def open_() -> asyncio.AbstractEventLoop:
        loop = new_event_loop()
        # What a failed program leaves behind is reported whenever it is collected, which confuses Python 3.11 in the
        # midst of parsing (python/cpython#106905). The failure itself is raised.
        loop.set_exception_handler(lambda _loop, _context: None)
        opened.append(loop)
        return loop

    with patch.object(asyncio, "new_event_loop", open_):
        asyncio.set_event_loop(open_())
        try:
            yield
        finally:
            # Calls of a program that failed may still be under way, each in a thread with a loop of its own.
            main = opened[0]
            main.run_until_complete(main.shutdown_default_executor())
            asyncio.set_event_loop(None)
            for loop in opened:
                loop.close()
