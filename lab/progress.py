"""Progress of one long step, on a terminal or in a log."""

import sys
import time
from types import TracebackType
from typing import Self

LOG_EVERY = 15.0  # seconds between two lines where there is no terminal


class Progress:
    """Counts to a total and prints how far it is, about how long the rest takes, and the current item."""

    def __init__(self, title: str, total: int, unit: str) -> None:
        self.title, self.total, self.unit = title, total, unit
        self.done = 0
        self.started = self.said = time.monotonic()
        self.terminal = sys.stdout.isatty()

    def __enter__(self) -> Self:
        if self.total:
            print(f"• {self.title}: {self.total} {self.unit}", flush=True)
        return self

    def advance(self, item: str) -> None:
        """Count one more, named `item`."""
        self.done += 1
        now = time.monotonic()
        if now - self.said < (0.2 if self.terminal else LOG_EVERY):
            return
        self.said = now
        left = (now - self.started) / self.done * (self.total - self.done)
        line = f"  {self.done}/{self.total} {self.unit}, about {_duration(left)} left: {item}"
        print(f"\r\033[K{line[:110]}" if self.terminal else line, end="" if self.terminal else "\n", flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.terminal:
            print("\r\033[K", end="", flush=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
