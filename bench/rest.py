"""Waiting until the machine has done what an update has set off: control planes go on for a while."""

import time
from pathlib import Path

_BUSY = 0.3
_SECONDS = 2
_AT_MOST_SECONDS = 120


def wait_for_rest() -> None:
    """Wait until less than a third of the machine's time is used, or two minutes are over."""
    end = time.monotonic() + _AT_MOST_SECONDS
    while time.monotonic() < end and _busy() > _BUSY:
        pass


def _busy() -> float:
    """Return the used part of the machine's time in the next seconds."""
    before = _times()
    time.sleep(_SECONDS)
    idle, all_ = (now - then for now, then in zip(_times(), before, strict=True))
    return 1 - idle / all_


def _times() -> tuple[int, int]:
    """Return the idle and the whole time since the machine's start, in ticks: see proc_stat(5)."""
    ticks = [int(text) for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)
