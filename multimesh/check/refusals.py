"""Calls by somebody who is not a caller of a service: whom the stack's policies refuse, and who got in all the same."""

import re
from collections.abc import Mapping

from multimesh.check.authorization import Caller, decide, target_port
from multimesh.check.cluster import Cluster, Object
from multimesh.check.made import Key, Made
from multimesh.contract import SAMPLE, VerifyOutputs
from multimesh.verify.commands import CONNECTIONS, command
from multimesh.verify.replies import Replies, http_replies
from multimesh.verify.selection import Port

_POLICY = "AuthorizationPolicy"
_READ = re.compile(r"TCP read failed \(already read (\d+) bytes\): (.*)")
_ANSWERED = re.compile(r"^\[\d+ body\] ", re.MULTILINE)
_REFUSED = "refused: "


def refusing(
    outputs: VerifyOutputs, made: Made, clusters: Mapping[str, Cluster], caller: Caller, port: Port
) -> frozenset[str]:
    """Return the exporters of a port that must refuse a caller: the policies that the stack made say so."""
    return frozenset(
        mesh for mesh in port.weights if mesh in clusters and _refuses(outputs, made, clusters, mesh, caller, port)
    )


def sample_of(outputs: VerifyOutputs, mesh: str) -> list[Caller]:
    """Return who the sample of a mesh may be: it has one trust domain of the mesh."""
    return [Caller(domain, SAMPLE.namespace, SAMPLE.service_account) for domain in outputs.meshes[mesh].trust_domains]


def everywhere(port: Port, refusing: frozenset[str]) -> bool:
    """Return whether whoever is refused by these meshes is refused by all that may answer."""
    answering = {mesh for mesh, weight in port.weights.items() if weight}
    return bool(answering) and answering <= refusing


def refused_command(port: Port, count: int) -> list[str]:
    """Return the command of calls that must be refused: to TCP a line is sent, as proxies refuse at the first byte."""
    return [word for word in command(port, count) if word != "--server-first"]


def refused_replies(port: Port, output: str, reason: str, count: int) -> tuple[Replies, int]:
    """Return what became of calls that must be refused, by what the client printed, and how many were not refused.

    A connection is not refused if it stays open after a line was sent, or gets an answer. One that is closed without a
    byte is refused, or the application closed it, which looks the same.
    """
    if port.protocol in CONNECTIONS:
        if not output or reason.startswith("dial "):
            return Replies({reason: count}), 0
        read = [(int(found[1]), found[2]) for found in _READ.finditer(output)]
        stayed = sum(1 for size, why in read if size or "timeout" in why)
        return Replies(), min(count, stayed + len(_ANSWERED.findall(output)))
    replies = http_replies(output, reason.rpartition("first error: ")[2], count)
    if replies.unknown:
        return replies, 0
    refused = sum(number for answer, number in replies.remarkable.items() if answer.startswith(_REFUSED))
    return replies, count - refused - sum(replies.failures.values())


def _refuses(
    outputs: VerifyOutputs, made: Made, clusters: Mapping[str, Cluster], mesh: str, caller: Caller, port: Port
) -> bool:
    cluster = clusters[mesh]
    name, namespace, _ = port.service.split(".", 2)
    service = cluster.one("Service", name, namespace)
    pods = cluster.selected("Pod", namespace, service["spec"].get("selector") or {}) if service else []
    number = target_port(service, port.number, pods[0]) if service and pods else None
    if number is None:
        return False
    policies = _policies(made, (outputs.topology and outputs.topology.primary) or mesh)
    return decide(policies, pods[0], number, caller, cluster.plane.root_namespace).admitted is False


def _policies(made: Made, mesh: str) -> list[Object]:
    return [_named(key, one) for key, one in made.objects.get(mesh, {}).items() if key.kind == _POLICY]


def _named(key: Key, made: Mapping[str, object]) -> Object:
    return {"metadata": {"namespace": key.namespace, "name": key.name}, "spec": made["spec"]}
