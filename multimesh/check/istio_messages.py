"""The check that passes on what Istio's own analysis says, in so far as it is about the federation."""

from collections.abc import Iterable

from multimesh.check.analysis import Message
from multimesh.check.federation import Federation
from multimesh.check.made import Key
from multimesh.check.result import Check, Problem, Severity
from multimesh.contract import SAMPLE

EXPECTED = {
    "IST0133": "EnvoyFilter",  # "exposes internal implementation details": it says what no Istio object can
}
"""By code, the kind of the stack's own objects about which this is said although they are as they should be."""
_ROLES = "IST0170"
"""Services of one name that differ between the clusters of a mesh. With one control plane for all, Istio's own do: the
cluster with it has another gateway, and its istiod is not the one by which the others reach it."""
_INJECTION = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def _messages(federation: Federation) -> Iterable[Problem]:
    if federation.analyses is None:
        cause = "istioctl is not on PATH: what `istioctl analyze` says of rules, policies and gateways was not asked"
        yield Problem("this machine", cause, "install Istio's istioctl, and look again", Severity.UNKNOWN)
        return
    for mesh, said in federation.analyses.items():
        if isinstance(said, str):
            yield Problem(mesh, said, "what it says of rules, policies and gateways was not seen", Severity.UNKNOWN)
            continue
        for message in said:
            if _is_about(federation, mesh, message) and not _is_expected(federation, mesh, message):
                severity = Severity.FAILED if message.level == "Error" else Severity.WARNING
                text = " ".join(message.text.split())
                yield Problem(f"{mesh}, {message.origin}", f"{message.code}: {text}", message.url, severity)


def _is_about(federation: Federation, mesh: str, message: Message) -> bool:
    plane = federation.outputs.meshes[mesh].control_plane
    namespaces = {SAMPLE.namespace, plane.namespace, plane.root_namespace}
    namespaces |= {service.split(".")[1] for service in federation.services}
    return message.namespace in namespaces or (not message.namespace and message.kind in _INJECTION)


def _is_expected(federation: Federation, mesh: str, message: Message) -> bool:
    topology = federation.outputs.topology
    if message.code == _ROLES and message.kind == "Service" and topology and topology.primary:
        plane = federation.outputs.meshes[mesh].control_plane
        return message.namespace == plane.namespace and message.name in (f"istiod{plane.suffix}", plane.gateway)
    key = Key(message.kind, message.namespace, message.name)
    made = any(key in objects for objects in federation.made.objects.values())
    return made and EXPECTED.get(message.code) == message.kind


CHECKS = [Check("istioctl", "Services", "Istio's own analysis finds nothing", _messages)]
