"""Calls of services from a pod of the sample in each mesh, and how the pod's proxy sees every endpoint after them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from multimesh.check.refusals import everywhere, refused_command, refused_replies
from multimesh.contract import SAMPLE
from multimesh.verify.commands import CONNECTIONS, command
from multimesh.verify.counters import Count, CountersError, Snapshot, cluster_name, counted, parse_clusters
from multimesh.verify.pod import CallingPod
from multimesh.verify.replies import Replies, read_replies
from multimesh.verify.selection import Port

_REQUESTS, _CONNECTIONS = 20, 5
_AT_ONCE = 16
"""How many ports: each is a session with the API server."""
_EJECTED = "failed_outlier_check"
_NOBODY: Mapping[str, frozenset[str]] = MappingProxyType({})


@dataclass(frozen=True)
class Call:
    """What became of the calls of one port."""

    port: Port
    sent: int
    replies: Replies
    counts: Mapping[str, Count]
    """By mesh, what its endpoint counted meanwhile."""
    refusing: frozenset[str] = frozenset()
    """The meshes that must refuse this caller."""
    admitted: int = 0
    """How many calls got in where every mesh must refuse them."""


@dataclass(frozen=True)
class Caller:
    """What a pod of the sample in one mesh sees; `trouble` says why nothing can be seen."""

    trouble: str = ""
    calls: Sequence[Call] = ()
    known: frozenset[str] = frozenset()
    """Envoy's clusters that its proxy has."""
    ejected: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By Envoy's cluster, the meshes whose endpoint is ejected."""
    identities: Sequence[str] = ()
    """The subject alternative names of its certificate."""
    expires: datetime | None = None
    """When its certificate does."""


def call(
    pod: CallingPod, ports: Sequence[Port], *, one_mesh: bool, refusing: Mapping[str, frozenset[str]] = _NOBODY
) -> Caller:
    """Call every port from a pod, some at the same time, and look at its proxy before and after.

    `refusing` are, by a port's address, the meshes that must refuse this caller.
    """
    try:
        before = parse_clusters(pod.proxy("/clusters?format=json"))
        sent = [_CONNECTIONS if port.protocol in CONNECTIONS else _REQUESTS for port in ports]
        unlisted = [everywhere(port, refusing.get(port.address, frozenset())) for port in ports]
        commands = [
            refused_command(port, count) if refused else command(port, count)
            for port, count, refused in zip(ports, sent, unlisted, strict=True)
        ]
        starts = range(0, len(commands), _AT_ONCE)
        printed = [one for start in starts for one in pod.together(commands[start : start + _AT_ONCE])]
        text, certificates = pod.proxy("/clusters?format=json"), pod.proxy("/certs")
        after = parse_clusters(text)
        identities, expires = _own(certificates)
    except CountersError as error:
        return Caller(trouble=str(error))
    calls = list[Call]()
    for port, count, refused, (output, reason) in zip(ports, sent, unlisted, printed, strict=True):
        if refused:
            replies, admitted = refused_replies(port, output, reason, count)
        else:
            replies, admitted = read_replies(port, output, reason, count), 0
        counts = _counts(before, after, port, one_mesh=one_mesh)
        calls.append(Call(port, count, replies, counts, refusing.get(port.address, frozenset()), admitted))
    return Caller("", calls, frozenset(after), _ejected(text), identities, expires)


def sample_port(service: str, weights: Mapping[str, int], prefer: Any) -> Port:
    """Return the port of the sample service, which verify asks by other means."""
    return Port(service, SAMPLE.port, "http", weights, prefer)


def _counts(before: Snapshot, after: Snapshot, port: Port, *, one_mesh: bool) -> Mapping[str, Count]:
    return counted(before, after, cluster_name(port.service, port.number, one_mesh=one_mesh))


def _ejected(text: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for cluster in json.loads(text)["cluster_statuses"]:
        hosts = cluster.get("host_statuses", [])
        ejected = [host for host in hosts if (host.get("health_status") or {}).get(_EJECTED)]
        if meshes := {(host.get("locality") or {}).get("region", "") for host in ejected}:
            found[cluster["name"]] = frozenset(meshes)
    return found


def _own(text: str) -> tuple[list[str], datetime | None]:
    """Return the names and the end of the proxy's own certificate, by Envoy's answer to `GET /certs`."""
    try:
        chains = [one["cert_chain"][0] for one in json.loads(text)["certificates"] if one.get("cert_chain")]
    except (ValueError, LookupError, TypeError) as error:
        raise CountersError(f"not the certificates of an Envoy: {error!r}") from None
    if not chains:
        return [], None
    names = [name.get("uri") or name.get("dns", "") for name in chains[0].get("subject_alt_names", [])]
    return names, datetime.fromisoformat(chains[0]["expiration_time"])
