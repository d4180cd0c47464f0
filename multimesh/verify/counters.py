"""Who answered, as the caller's Envoy counts it: its answer to `GET /clusters?format=json`, before and after."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from multimesh.hosts import local_host


class CountersError(Exception):
    """The counters of the caller's proxy cannot be read."""


@dataclass(frozen=True)
class Endpoint:
    """The counters of one endpoint since it was added; `mesh` is its locality's region, empty where it has none."""

    mesh: str
    reached: int
    """Requests sent to it over an established connection (Envoy's `rq_total`); of TCP, the connections themselves."""
    succeeded: int
    """HTTP responses below 500, and gRPC responses that are no error of the server (`rq_success`)."""
    connect_failures: int
    """Connections that could not be made (`cx_connect_fail`)."""


Snapshot = Mapping[str, Mapping[str, Endpoint]]
"""Envoy's cluster -> endpoint -> its counters."""


@dataclass(frozen=True)
class Count:
    """What the endpoints of one mesh have counted between two snapshots; see Endpoint."""

    reached: int = 0
    succeeded: int = 0
    connect_failures: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.reached + other.reached,
            self.succeeded + other.succeeded,
            self.connect_failures + other.connect_failures,
        )


def cluster_name(service: str, port: int, *, one_mesh: bool) -> str:
    """Return the name that Envoy's cluster of a port of a service (global name) has in every caller's proxy."""
    name, namespace, _ = service.split(".", 2)
    return f"outbound|{port}||{local_host(name, namespace) if one_mesh else service}"


def parse_clusters(text: str) -> Snapshot:
    """Return the counters in `text`; those that Envoy leaves out are 0. Raises CountersError for any other text."""
    try:
        return {
            cluster["name"]: {_address(host): _endpoint(host) for host in cluster.get("host_statuses", [])}
            for cluster in json.loads(text)["cluster_statuses"]
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CountersError(f"not the clusters of an Envoy: {error!r}") from None


def counted(before: Snapshot, after: Snapshot, cluster: str) -> dict[str, Count]:
    """Return what each mesh has counted for `cluster` between two snapshots, endpoints of one mesh added up.

    An endpoint that was replaced meanwhile is counted from 0. Empty when the proxy does not know the cluster.
    """
    counts: dict[str, Count] = {}
    earlier = before.get(cluster, {})
    for address, now in after.get(cluster, {}).items():
        then = earlier.get(address)
        if then is None or then.reached > now.reached:
            then = Endpoint(now.mesh, 0, 0, 0)
        grown = Count(
            now.reached - then.reached,
            now.succeeded - then.succeeded,
            now.connect_failures - then.connect_failures,
        )
        counts[now.mesh] = counts.get(now.mesh, Count()) + grown
    return counts


def _endpoint(host: Mapping[str, Any]) -> Endpoint:
    stats = {stat["name"]: int(stat.get("value", 0)) for stat in host["stats"]}
    return Endpoint(
        mesh=(host.get("locality") or {}).get("region", ""),
        reached=stats.get("rq_total", 0),
        succeeded=stats.get("rq_success", 0),
        connect_failures=stats.get("cx_connect_fail", 0),
    )


def _address(host: Mapping[str, Any]) -> str:
    """Return what tells an endpoint from others; two meshes may be behind one address."""
    return json.dumps([host["address"], host.get("locality")], sort_keys=True)
