"""From replies and counters to a verdict on one port of a service, as one mesh calls it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from multimesh.verify.commands import CONNECTIONS
from multimesh.verify.counters import Count, cluster_name
from multimesh.verify.replies import Replies
from multimesh.verify.selection import Port
from multimesh.verify.split import Reached, acceptable_counts


@dataclass(frozen=True)
class PortMeasurement:
    """What became of `requests` requests (or connections) from a mesh to a port, within `seconds`."""

    mesh: str
    port: Port
    requests: int
    replies: Replies
    counts: Mapping[str, Count]
    """By the mesh that was reached; empty when the caller's proxy does not know the port."""
    seconds: float


@dataclass(frozen=True)
class PortVerdict:
    """The verdict on a port: `errors` counts by reason what got no answer, each of `findings` is one line.

    `answered_by` is empty where the split is not judged. `repeated` counts requests that the caller's proxy sent again.
    `remarkable` are answers that are no errors of the route: refusals, and errors of the application.
    """

    mesh: str
    service: str
    port: int
    protocol: str
    requests: int
    answered_by: tuple[Reached, ...]
    errors: dict[str, int]
    remarkable: dict[str, int]
    repeated: int
    seconds: float
    findings: tuple[str, ...]


def checks(measurements: Sequence[PortMeasurement], *, one_mesh: bool) -> int:
    """Return how many counts of these measurements are left to chance: those with a share between 0 and 1."""
    if one_mesh:
        return 0
    shares = [share for about in measurements for share in about.port.shares(about.mesh).values()]
    return sum(1 for share in shares if 0 < share < 1)


def judge_port(measurement: PortMeasurement, error: float, *, one_mesh: bool) -> PortVerdict:
    """Return the verdict on a measurement; `error` (0 to 1) is the probability of a false alarm for each count.

    In a single mesh all pods share the requests, so only whether they were answered is judged.
    """
    port, requests = measurement.port, measurement.requests
    reached = sum(count.reached for count in measurement.counts.values())
    repeated = max(0, reached - requests)
    errors = _errors(measurement, reached, one_mesh=one_mesh)
    where = f"{measurement.mesh}, {port.address}"
    findings = [_failed(where, measurement, errors)] if errors else []
    parts = [] if one_mesh else _parts(measurement, min(reached, requests), repeated, error)
    findings += [
        f"{where}: expected {part.expected_share:.0%} to {part.mesh} "
        f"({part.at_least} to {part.at_most} of {reached}), seen {part.count}{_unconnected(measurement, part.mesh)}"
        for part in parts
        if reached and not part.acceptable
    ]
    return PortVerdict(
        mesh=measurement.mesh,
        service=port.service,
        port=port.number,
        protocol=port.protocol,
        requests=requests,
        answered_by=tuple(parts),
        errors=errors,
        remarkable=dict(measurement.replies.remarkable),
        repeated=repeated,
        seconds=round(measurement.seconds, 2),
        findings=tuple(findings),
    )


def _errors(measurement: PortMeasurement, reached: int, *, one_mesh: bool) -> dict[str, int]:
    replies, requests = measurement.replies, measurement.requests
    if replies.unknown:
        answered = sum(count.succeeded for count in measurement.counts.values())
        return {replies.unknown: max(1, requests - answered)}
    errors = dict(replies.failures)
    if (uncounted := requests - reached - sum(errors.values())) > 0:
        cluster = cluster_name(measurement.port.service, measurement.port.number, one_mesh=one_mesh)
        unrouted = f"the caller's proxy has no cluster {cluster}"
        errors["no mesh was reached" if measurement.counts else unrouted] = uncounted
    return errors


def _failed(where: str, measurement: PortMeasurement, errors: Mapping[str, int]) -> str:
    expected = "an answer to every request"
    if measurement.port.protocol in CONNECTIONS:
        expected = "every connection to be made and kept"
    reasons = "; ".join(f"{reason} ({count})" for reason, count in errors.items())
    meshes = "".join(_unconnected(measurement, mesh) for mesh in measurement.counts)
    failed = sum(errors.values())
    return f"{where}: expected {expected}, seen {failed} of {measurement.requests} fail: {reasons}{meshes}"


def _unconnected(measurement: PortMeasurement, mesh: str) -> str:
    """Return the end of a finding that tells how often a mesh could not be connected to; empty if it always could."""
    failures = measurement.counts.get(mesh, Count()).connect_failures
    return f"; {failures} connections to {mesh or 'it'} could not be made" if failures else ""


def _parts(measurement: PortMeasurement, requests: int, repeated: int, error: float) -> list[Reached]:
    """Return the part of every mesh. Each request that was sent again may have gone to any mesh once more."""
    shares = measurement.port.shares(measurement.mesh)
    parts: list[Reached] = []
    for mesh in [*shares, *sorted(measurement.counts.keys() - shares.keys())]:
        count = measurement.counts.get(mesh, Count()).reached
        acceptable = acceptable_counts(requests, shares.get(mesh, 0.0), error)
        parts.append(
            Reached(
                mesh=mesh,
                count=count,
                share=count / (requests + repeated) if requests else 0.0,
                expected_share=shares.get(mesh, 0.0),
                at_least=max(0, acceptable[0] - repeated),
                at_most=acceptable[-1] + repeated,
            )
        )
    return parts
