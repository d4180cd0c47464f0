"""What a mesh's proxies counted in the last seconds: growth of counters that begin anew with every proxy. Pure."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from multimesh.watch.reading import Buckets, Counts, Pair, Reading

SECONDS = 10.0
"""Over which rates are averaged."""
LATENCY_SECONDS = 30.0
"""Over which latencies are: a proxy adds to its histograms every 5 s."""


@dataclass
class _Total:
    counts: dict[Pair, Counts] = field(default_factory=dict)
    latency: dict[str, dict[float, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rate:
    """What went to one mesh, from the proxies of another."""

    per_second: float
    failed: int
    """In the last SECONDS."""


class Window:
    """The totals of all proxies of a mesh at several moments, from which the last seconds are taken."""

    def __init__(self) -> None:
        self._total = _Total()
        self._last: dict[str, Reading] = {}
        self._moments: deque[tuple[float, dict[Pair, Counts], dict[str, dict[float, int]]]] = deque()

    def add(self, moment: float, readings: Mapping[str, Reading]) -> None:
        """Take what each proxy (by name) says at a moment, in seconds; a new proxy counts from its first reading."""
        for name, now in readings.items():
            before = self._last.get(name)
            if before is not None:
                self._grow(before, now)
        # A proxy that did not answer once is compared with its last answer when it does again.
        self._last |= readings
        latency = {service: dict(buckets) for service, buckets in self._total.latency.items()}
        self._moments.append((moment, dict(self._total.counts), latency))
        while len(self._moments) > 2 and self._moments[1][0] <= moment - LATENCY_SECONDS:
            self._moments.popleft()

    def forget(self, names: set[str]) -> None:
        """Forget proxies that are gone."""
        for name in names:
            self._last.pop(name, None)

    @property
    def ejected(self) -> dict[Pair, int]:
        """How many proxies have ejected what answers there."""
        found: dict[Pair, int] = {}
        for reading in self._last.values():
            for pair in reading.ejected:
                found[pair] = found.get(pair, 0) + 1
        return found

    def rates(self) -> dict[Pair, Rate]:
        """Return what went where in the last seconds; nothing before the second moment."""
        if len(self._moments) < 2:
            return {}
        until, now, _ = self._moments[-1]
        since, then, _ = self._before(until - SECONDS)
        return {
            pair: Rate(
                (total.sent - then.get(pair, Counts()).sent) / (until - since),
                total.failed - then.get(pair, Counts()).failed,
            )
            for pair, total in now.items()
        }

    @property
    def seconds(self) -> float:
        """Return over how long `rates()` are: about SECONDS, once so much was read."""
        until = self._moments[-1][0]
        return until - self._before(until - SECONDS)[0]

    def latencies(self) -> dict[str, dict[float, int]]:
        """Return how long the requests of the last seconds took, by service."""
        if len(self._moments) < 2:
            return {}
        until, _, now = self._moments[-1]
        _, _, then = self._before(until - LATENCY_SECONDS)
        return {service: _grown(then.get(service, {}), buckets) for service, buckets in now.items()}

    def _before(self, moment: float) -> tuple[float, dict[Pair, Counts], dict[str, dict[float, int]]]:
        """Return the last of the totals that are at least so old, else the oldest."""
        return next((one for one in reversed(self._moments) if one[0] <= moment), self._moments[0])

    def _grow(self, before: Reading, now: Reading) -> None:
        for pair, counts in now.counts.items():
            then = before.counts.get(pair, Counts())
            if then.sent > counts.sent or then.failed > counts.failed:  # the endpoint, or the proxy, is a new one
                then = Counts()
            grown = Counts(counts.sent - then.sent, counts.failed - then.failed)
            self._total.counts[pair] = self._total.counts.get(pair, Counts()) + grown
        for service, buckets in now.latency.items():
            total = self._total.latency.setdefault(service, {})
            for bucket, count in _grown(before.latency.get(service, {}), buckets).items():
                total[bucket] = total.get(bucket, 0) + count


def _grown(before: Buckets, now: Buckets) -> dict[float, int]:
    """Return what came in each bucket; everything, if there was more before."""
    if any(before[bucket] > now.get(bucket, 0) for bucket in before):
        return dict(now)
    grown = {bucket: count - before.get(bucket, 0) for bucket, count in now.items()}
    return {bucket: count for bucket, count in grown.items() if count}


def quantile(buckets: Buckets, part: float) -> float | None:
    """Return the milliseconds within which a part (0 to 1) of the requests was answered; None without requests."""
    rest = part * sum(buckets.values())
    for milliseconds, count in sorted(buckets.items()):
        rest -= count
        if rest <= 0 and count:
            return milliseconds
    return None
