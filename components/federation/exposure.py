"""Who will be able to reach what, by the objects that a mesh is given. Pure functions.

It is read from the rendered objects, not from the configuration, so that a mistake of the renderer shows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from components import istio
from components.federation.availability import AvailableService
from components.federation.plan import PlannedObject


def exposures(
    available: AvailableService, mesh: str, objects: Iterable[PlannedObject], trust_domains: Mapping[str, str]
) -> list[str]:
    """Return who reaches a service in a mesh, one line for each caller and port, sorted.

    `west (any identity) -> orders.shop:80 in east`; `west/ns/shop/sa/web -> ...` for one identity or pattern of a mesh;
    `anybody -> orders.shop through the ingress of east, as shop.example` for requests from outside. `objects` are the
    service's in this mesh, `trust_domains` those of all meshes that may call.
    """
    planned = list(objects)
    return sorted({*_from_meshes(available, mesh, planned, trust_domains), *_from_outside(available, mesh, planned)})


def changes(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """Return a line for each exposure that comes (`+ ...`), then one for each that goes (`- ...`)."""
    old, new = set(before), set(after)
    return [f"+ {line}" for line in sorted(new - old)] + [f"- {line}" for line in sorted(old - new)]


def _from_meshes(
    available: AvailableService, mesh: str, objects: Sequence[PlannedObject], trust_domains: Mapping[str, str]
) -> Iterator[str]:
    workload = available.workloads.get(mesh)
    if workload is None:
        return
    policies = [one.spec for one in objects if one.kind == "AuthorizationPolicy"]
    for number, targets in workload.targets.items():
        if number not in available.service.ports:
            continue
        for caller in sorted({*_admitted(policies, set(targets)), istio.any_principal(trust_domains[mesh])}):
            if _denied(policies, set(targets), caller):
                continue
            yield f"{_text(caller, trust_domains)} -> {available.service.short_name}:{number} in {mesh}"


def _admitted(policies: Sequence[istio.Spec], targets: set[int]) -> Iterator[str]:
    """Yield the principals that a policy lets reach one of the pods' ports."""
    for policy in policies:
        for rule in policy["rules"] if policy["action"] == "ALLOW" else []:
            if _ports(rule) & targets:
                for source in rule.get("from", [{"source": {"principals": ["*"]}}]):
                    yield from source["source"]["principals"]


def _denied(policies: Sequence[istio.Spec], targets: set[int], caller: str) -> bool:
    return any(
        not rule.get("from") or any(not _covers(source["source"]["notPrincipals"], caller) for source in rule["from"])
        for policy in policies
        if policy["action"] == "DENY"
        for rule in policy["rules"]
        if _ports(rule) & targets
    )


def _covers(patterns: Sequence[str], caller: str) -> bool:
    return any(pattern == caller or (pattern[-1:] == "*" and caller.startswith(pattern[:-1])) for pattern in patterns)


def _ports(rule: istio.Spec) -> set[int]:
    return {int(port) for to in rule["to"] for port in to["operation"]["ports"]}


def _text(caller: str, trust_domains: Mapping[str, str]) -> str:
    if caller == "*":
        return "anybody with a certificate of the root"
    domain, _, identity = caller.partition("/")
    meshes = [name for name, known in trust_domains.items() if known == domain]
    who = ", ".join(sorted(meshes)) or domain
    return f"{who} (any identity)" if identity == "*" else f"{who}/{identity}"


def _from_outside(available: AvailableService, mesh: str, objects: Sequence[PlannedObject]) -> Iterator[str]:
    for one in objects:
        if one.kind == "VirtualService" and "mesh" not in one.spec["gateways"]:
            for host in one.spec["hosts"]:
                yield f"anybody -> {available.service.short_name} through the ingress of {mesh}, as {host}"
