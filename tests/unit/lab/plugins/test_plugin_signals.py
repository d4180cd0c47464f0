"""How a plugin waits to be dismissed."""

import random
import signal

from lab.plugins.server import awaited

SIGNALS = 300


def test_a_signal_that_comes_at_any_moment_is_noticed() -> None:
    moments = random.Random(1)  # noqa: S311  nothing is kept secret by it
    for _ in range(SIGNALS):
        came = awaited(signal.SIGALRM)
        signal.setitimer(signal.ITIMER_REAL, 1e-5 + moments.random() * 2e-4)
        while not came(1e-6):
            pass
