"""What one proxy has counted since it started: Envoy's answers to `/clusters` and `/stats`, by service. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from multimesh.hosts import local_host
from multimesh.topology.model import Topology
from multimesh.verify.counters import CountersError

LATENCY = "/stats?format=json&histogram_buckets=detailed&type=Histograms&filter=outbound.*upstream_rq_time"
_TIME = "upstream_rq_time"


@dataclass(frozen=True)
class Counts:
    """Requests that were sent to the endpoints of a mesh; of TCP, connections."""

    sent: int = 0
    failed: int = 0
    """Those that were answered by an error of the server, or reset, and connections that could not be made."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.sent + other.sent, self.failed + other.failed)


Pair = tuple[str, str]
"""The global name of a service, and the mesh that answers."""
Buckets = Mapping[float, int]
"""How many requests took about so many milliseconds."""


@dataclass(frozen=True)
class Reading:
    """What one proxy says at a moment."""

    counts: Mapping[Pair, Counts]
    ejected: frozenset[Pair] = frozenset()
    """Where it sends nothing, because too much failed."""
    latency: Mapping[str, Buckets] = field(default_factory=dict)
    """By service; without those of which the proxy keeps no histogram."""


def hosts(picture: Topology) -> dict[str, str]:
    """Return the global name of each service by the name that its Envoy clusters have in a caller's proxy."""
    if not picture.one_mesh:
        return {service.name: service.name for service in picture.services}
    return {local_host(*service.name.split(".")[:2]): service.name for service in picture.services}


def clusters_path(services: Mapping[str, str]) -> str:
    """Return where a proxy tells of its clusters; of those of the services alone, if its Envoy can choose (1.40)."""
    ends = sorted({".".join(host.split(".")[2:]) for host in services})
    wanted = rf"^outbound\|.*\.({'|'.join(map(re.escape, ends))})$"
    return f"/clusters?format=json&filter={quote(wanted, safe='')}"


def read(clusters: str, histograms: str, services: Mapping[str, str]) -> Reading:
    """Return a reading by a proxy's answers to `clusters_path()` and LATENCY; `services` is `hosts()`.

    Raises CountersError for any other text.
    """
    try:
        counts, ejected = _counts(json.loads(clusters)["cluster_statuses"], services)
        return Reading(counts, frozenset(ejected), _latency(json.loads(histograms or "{}"), services))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CountersError(f"not the counters of an Envoy: {error!r}") from None


def _counts(clusters: Iterable[Mapping[str, Any]], services: Mapping[str, str]) -> tuple[dict[Pair, Counts], set[Pair]]:
    counts: dict[Pair, Counts] = {}
    ejected = set[Pair]()
    for cluster in clusters:
        service = _service(cluster["name"], services)
        for host in cluster.get("host_statuses", []) if service else ():
            pair = (service or "", (host.get("locality") or {}).get("region", ""))
            stats = {stat["name"]: int(stat.get("value", 0)) for stat in host["stats"]}
            failed = stats.get("rq_error", 0) + stats.get("cx_connect_fail", 0)
            counts[pair] = counts.get(pair, Counts()) + Counts(stats.get("rq_total", 0), failed)
            if (host.get("health_status") or {}).get("failed_outlier_check"):
                ejected.add(pair)
    return counts, ejected


def _service(cluster: str, services: Mapping[str, str]) -> str | None:
    """Return the service of an Envoy cluster, `outbound|<port>|<subset>|<host>`; None for any other."""
    direction, _, rest = cluster.partition("|")
    return services.get(rest.rpartition("|")[2]) if direction == "outbound" else None


def _latency(answer: Mapping[str, Any], services: Mapping[str, str]) -> dict[str, Buckets]:
    found: dict[str, dict[float, int]] = {}
    for stat in answer.get("stats", []):
        for histogram in (stat.get("histograms") or {}).get("details", []):
            name = histogram["name"].removeprefix("cluster.")
            service = _service(name.removesuffix(_TIME).rstrip(".;"), services)
            if service and name.endswith(f".{_TIME}"):
                buckets = found.setdefault(service, {})
                for bucket in histogram.get("totals", []):
                    middle = bucket["lower_bound"] + bucket["width"] / 2
                    buckets[middle] = buckets.get(middle, 0) + int(bucket["count"])
    return {service: dict(sorted(buckets.items())) for service, buckets in found.items()}
