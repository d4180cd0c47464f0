"""Checks of who may call exported services: policies of others must not change what those of the stack say."""

from collections.abc import Iterable

from multimesh.check.authorization import Caller, action, decide, name, target_port
from multimesh.check.cluster import Cluster, Object
from multimesh.check.federation import Federation
from multimesh.check.made import Key
from multimesh.check.result import Check, Problem, Severity
from multimesh.check.services import exported, pods
from multimesh.contract import SAMPLE


def _policies(federation: Federation) -> Iterable[Problem]:
    for service, mesh, cluster, found in exported(federation):
        if not found or not (selected := pods(cluster, found)):
            continue
        for port in federation.services[service]:
            if (number := target_port(found, port.number, selected[0])) is None:
                continue
            where = f"{service}:{port.number} in {mesh}"
            for caller in _callers(federation):
                yield from _compared(federation, where, mesh, cluster, selected[0], number, caller)


def _compared(
    federation: Federation, where: str, mesh: str, cluster: Cluster, pod: Object, port: int, caller: Caller
) -> Iterable[Problem]:
    there = cluster.all("AuthorizationPolicy")
    own = federation.made.objects.get(mesh, {})
    ours = [one for one in there if _key(one) in own]
    wanted, seen = (decide(these, pod, port, caller, cluster.plane.root_namespace) for these in (ours, there))
    if wanted.admitted is seen.admitted:
        return
    foreign = sorted({*seen.by} - {f"{key.namespace}/{key.name}" for key in own}) or sorted(seen.by)
    names = ", ".join(foreign)
    if seen.admitted is False and not any(action(one) == "DENY" for one in there if name(one) in foreign):
        cause = f"AuthorizationPolicy {names} does not admit {caller}, whom the stack lets call"
        yield Problem(where, cause, "see that it admits those who need it", Severity.WARNING)
    elif seen.admitted is None:
        cause = f"whether {caller} is admitted depends on AuthorizationPolicy {names}"
        yield Problem(where, cause, "see that it admits the callers of the service", Severity.WARNING)
    else:
        cause = f"AuthorizationPolicy {names} {'admits' if seen.admitted else 'refuses'} {caller}"
        yield Problem(where, cause, "change it; who may call is said by `callers` in multimesh:services")


def _callers(federation: Federation) -> list[Caller]:
    """Return callers to judge by: of each mesh the sample, and somebody whom no configuration lists."""
    domains = {domain for about in federation.outputs.meshes.values() for domain in about.trust_domains}
    accounts = ((SAMPLE.namespace, SAMPLE.service_account), ("nobody", "nobody"))
    return [Caller(domain, *account) for domain in sorted(domains) for account in accounts]


def _key(policy: Object) -> Key:
    return Key("AuthorizationPolicy", policy["metadata"]["namespace"], policy["metadata"]["name"])


def _network_policies(federation: Federation) -> Iterable[Problem]:
    for service, mesh, cluster, found in exported(federation):
        names = {
            one["metadata"]["name"]
            for pod in (pods(cluster, found) if found else [])
            for one in cluster.all("NetworkPolicy", pod["metadata"]["namespace"])
            if "Ingress" in (one["spec"].get("policyTypes") or ["Ingress"]) and _selects(one, pod)
        }
        if names:
            cause = f"NetworkPolicy {', '.join(sorted(names))} selects its pods; whether it is enforced cannot be seen"
            yield Problem(
                f"{service} in {mesh}", cause, "see that it admits the mesh's gateway and callers", Severity.WARNING
            )


def _selects(policy: Object, pod: Object) -> bool:
    selector = policy["spec"].get("podSelector") or {}
    labels = pod["metadata"].get("labels") or {}
    return not selector.get("matchExpressions") and (selector.get("matchLabels") or {}).items() <= labels.items()


CHECKS = [
    Check("policies", "Services", "who may call is as the stack says", _policies),
    Check("network-policies", "Services", "no NetworkPolicy is in the way", _network_policies),
]
