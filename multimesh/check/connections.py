"""Checks of calls: from a pod in each mesh, by global name, to every exported port."""

from collections.abc import Iterable

from multimesh.check.authorization import Caller as Identity
from multimesh.check.calls import Call
from multimesh.check.cluster import written
from multimesh.check.federation import Federation
from multimesh.check.refusals import refusing
from multimesh.check.result import Check, Problem, Severity
from multimesh.contract import VerifyMeshOutputs
from multimesh.verify.commands import CONNECTIONS
from multimesh.verify.counters import cluster_name
from multimesh.verify.selection import Port

_SETTLED = 75
"""Seconds until a policy holds for every call: Istio's proxies end connections of before 45 s after they are told
(--drain-time-s), and istiod tells them within seconds."""


def _callers(federation: Federation) -> Iterable[Problem]:
    for mesh, caller in federation.callers.items():
        if caller.trouble:
            yield Problem(
                mesh, f"nothing can be called: {caller.trouble}", "calls from here were left out", Severity.UNKNOWN
            )


def _known(federation: Federation) -> Iterable[Problem]:
    for mesh, caller in federation.callers.items():
        for call in caller.calls:
            cluster = cluster_name(call.port.service, call.port.number, one_mesh=federation.outputs.one_mesh)
            if cluster not in caller.known:
                cause = "the sidecar of the sample has not been told of it"
                yield Problem(
                    f"{call.port.address} from {mesh}", cause, "see istiod's log, and `istioctl proxy-status`"
                )


def _reached(federation: Federation) -> Iterable[Problem]:
    one_mesh = federation.outputs.one_mesh
    for mesh, caller in federation.callers.items():
        for call in caller.calls:
            where = f"{call.port.address} from {mesh}"
            ejected = caller.ejected.get(
                cluster_name(call.port.service, call.port.number, one_mesh=one_mesh), frozenset()
            )
            for exporter in sorted({*call.counts} | {*ejected}):
                failed = call.counts[exporter].connect_failures if exporter in call.counts else 0
                severity = Severity.FAILED
                if failed:
                    cause = f"{failed} connections to {_at(federation, exporter)} could not be made"
                    if _arrived(call, exporter) and not call.replies.failures:
                        severity = Severity.WARNING  # others were, in their place
                elif exporter in ejected:
                    cause = f"{_at(federation, exporter)} is ejected: connections to it failed a moment ago"
                else:
                    continue
                yield Problem(
                    where,
                    cause,
                    f"see the network between {mesh} and {exporter}, and the checks of {exporter}",
                    severity,
                )


def _arrived(call: Call, exporter: str) -> int:
    """Return how many calls a mesh has answered; a request on a connection that is dead counts as sent alone."""
    count = call.counts[exporter]
    return count.reached if call.port.protocol in CONNECTIONS else count.succeeded


def _at(federation: Federation, mesh: str) -> str:
    about: VerifyMeshOutputs | None = federation.outputs.meshes.get(mesh)
    if about and (federation.outputs.topology is None or federation.outputs.topology.by_gateways):
        return f"{mesh} ({about.gateway_address}:{about.gateway_port})"
    return mesh or "an endpoint whose mesh is not known"


def _answered(federation: Federation) -> Iterable[Problem]:
    for mesh, caller in federation.callers.items():
        for call in caller.calls:
            where = f"{call.port.address} from {mesh}"
            for reason, count in call.replies.failures.items():
                yield Problem(where, f"{count} of {call.sent} calls failed: {reason}", "see the checks above")
            for answer, count in call.replies.remarkable.items():
                if call.refusing and answer.startswith("refused: "):
                    continue  # as the stack says
                yield Problem(where, f"{count} of {call.sent} answers: {answer}", "see its callers", Severity.WARNING)
            if call.replies.unknown:
                yield Problem(where, f"no answer: {call.replies.unknown}", "see the checks above")


def _unlisted(federation: Federation) -> Iterable[Problem]:
    for mesh, caller in federation.callers.items():
        identity = ", ".join(caller.identities)
        for call in caller.calls:
            if call.admitted:
                where = f"{call.port.address} from {mesh}"
                cause = f"{call.admitted} of {call.sent} calls were let in, of {identity}, whom the stack does not list"
                if ago := _just_written(federation, service=call.port.service):
                    cause += f"; its policies were written {ago:.0f} s ago"
                    remedy = "look again: proxies keep the connections that they had before for 45 s"
                    yield Problem(where, cause, remedy, Severity.WARNING)
                else:
                    remedy = "see the checks of policies and of mutual TLS; who may call is said by `callers`"
                    yield Problem(where, cause, remedy)
    for service, ports in federation.services.items():
        for port in ports:
            yield from _not_tried(federation, service, port)


def _just_written(federation: Federation, service: str) -> float:
    """Return how many seconds ago a policy of a service's namespace was written; 0 if it holds for all by now."""
    times = [
        written(policy["metadata"])
        for cluster in federation.clusters.values()
        for policy in cluster.all("AuthorizationPolicy", service.split(".")[1])
    ]
    ages = [(federation.now - time).total_seconds() for time in times if time]
    return max(1.0, min(ages)) if ages and min(ages) < _SETTLED else 0


def _not_tried(federation: Federation, service: str, port: Port) -> Iterable[Problem]:
    """Say that no call was made that must be refused, of a port that is closed to some workload of these meshes."""
    callers = [caller for caller in federation.callers.values() if not caller.trouble]
    tried = any(call.port == port and call.refusing for caller in callers for call in caller.calls)
    if tried or not callers:
        return
    domains = sorted({domain for about in federation.outputs.meshes.values() for domain in about.trust_domains})
    somebody = [Identity(domain, "nobody", "nobody") for domain in domains]
    outputs, made, clusters = federation.outputs, federation.made, federation.clusters
    if any(refusing(outputs, made, clusters, one, port) for one in somebody):
        cause = "no call was made that must be refused: the sample of each mesh that called may call it"
        remedy = "who else may call was judged by the policies alone"
        yield Problem(f"{service}:{port.number}", cause, remedy, Severity.UNKNOWN)


CHECKS = [
    Check("callers", "Calls", "services can be called from every mesh", _callers),
    Check("pushed", "Calls", "sidecars have been told of every service", _known),
    Check("connections", "Calls", "connections to every mesh can be made", _reached),
    Check("answers", "Calls", "every call is answered", _answered),
    Check("unlisted-callers", "Calls", "who is not a caller is refused", _unlisted),
]
