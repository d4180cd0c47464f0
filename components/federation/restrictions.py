"""Whom the ALLOW policies of users keep out for certain; what only a request can tell counts as admitted.

Pure functions. https://istio.io/latest/docs/reference/config/security/authorization-policy/
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from components.federation.inventory import Inventory
from components.federation.policies import Policy, named
from components.federation.workload import Workload
from multimesh.control_plane import INSTALLED, ControlPlane


def kept_out(
    namespace: str, workload: Workload, inventory: Inventory, callers: Sequence[str]
) -> tuple[list[Policy], list[str]]:
    """Return the policies that admit some callers of a workload at none of its requests, and these callers.

    `callers` are principals, or patterns of them that end in `/*`.
    """
    pods = [inventory.pods[key].labels for name in workload.pods if (key := (namespace, name)) in inventory.pods]
    by, out = list[Policy](), list[str]()
    for labels in pods or [workload.selector]:
        there = [one for one in inventory.policies if one.allows and one.holds_for(namespace, labels)]
        for port in workload.pod_ports:
            refused = [caller for caller in callers if not _admit(there, port, caller)]
            out += refused
            by += there if refused else []
    return sorted({str(one): one for one in by}.values(), key=str), list(dict.fromkeys(out))


def notes(mesh: str, policies: Sequence[Policy], ports: Collection[int], plane: ControlPlane = INSTALLED) -> list[str]:
    """Return a line for policies that are in force again in a mesh, and one for those that close its gateway.

    `ports` are those of the gateway that everybody should reach.
    """
    found, allowing = list[str](), [one for one in policies if one.allows]
    if plane.installed and allowing and any(one.is_former for one in policies):
        found.append(
            f"mesh {mesh}: from this update on {named(allowing)} also keeps out workloads of this mesh that it does "
            "not admit, as without multimesh; until now own-identities in istio-system admitted all of them"
        )
    labels = {**plane.gateway_selector, "app": plane.gateway}
    there = [one for one in allowing if one.holds_for(plane.root_namespace, labels)]
    if closed := [port for port in sorted(ports) if not _admit(there, port, None)]:
        found.append(
            f"mesh {mesh}: {named(there)} closes port {', '.join(map(str, closed))} of the gateway to clients outside: "
            f"add an ALLOW for it in {plane.root_namespace}, with the selector istio: {plane.gateway_selector['istio']}"
        )
    return found


def _admit(policies: Collection[Policy], port: int, caller: str | None) -> bool:
    """Return whether these may admit somebody, who perhaps has no identity; without a policy, everybody is admitted."""
    return not policies or any(_may(rule, port, caller) for one in policies for rule in one.spec.get("rules") or ())


def _may(rule: Mapping[str, Any], port: int, caller: str | None) -> bool:
    sources = [_is_source(one.get("source") or {}, caller) for one in rule.get("from") or ()]
    operations = [_is_operation(one.get("operation") or {}, str(port)) for one in rule.get("to") or ()]
    return any(sources or [True]) and any(operations or [True])


def _is_operation(operation: Mapping[str, Any], port: str) -> bool:
    return port in (operation.get("ports") or [port]) and port not in (operation.get("notPorts") or ())


def _is_source(source: Mapping[str, Any], caller: str | None) -> bool:
    if caller is None:
        return not {"principals", "namespaces", "serviceAccounts"} & {key for key, values in source.items() if values}
    principals, namespaces = source.get("principals") or ["*"], source.get("namespaces") or ["*"]
    _, _, place = caller.partition("/ns/")
    namespace = place.partition("/")[0] or "*"
    return any(_overlap(one, caller) for one in principals) and any(_overlap(one, namespace) for one in namespaces)


def _overlap(one: str, other: str) -> bool:
    """Return whether a text may match two patterns, each with at most one `*`, at its start or its end."""
    for suffix, text in ((one, other), (other, one)):
        if suffix.startswith("*"):
            return text[-1:] == "*" or text.endswith(suffix[1:]) or text[:1] == "*"
    if one.endswith("*") and other.endswith("*"):
        return one.startswith(other[:-1]) or other.startswith(one[:-1])
    if one.endswith("*"):
        return other.startswith(one[:-1])
    return one.startswith(other[:-1]) if other.endswith("*") else one == other
