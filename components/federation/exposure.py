"""Who will be able to reach what, by the objects that the meshes are given. Pure functions.

It is read from the rendered objects, not from the configuration, so that a mistake of the renderer shows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from components import istio
from components.federation.availability import AvailableService
from components.federation.plan import PlannedObject

Exposure = dict[str, Any]
"""`callers` reach `service` in `meshes`, all in all: a `contract.Exposure`."""
_WORLD = "anybody"
_ANY_IDENTITY = "any workload of the root"
_MOST_LINES = 20


def exposures(
    available: AvailableService,
    objects: Mapping[str, Sequence[PlannedObject]],
    trust_domains: Mapping[str, Sequence[str]],
) -> list[Exposure]:
    """Return who reaches a service, meshes with the same callers in one entry.

    `objects` are the service's by mesh of this stack, `trust_domains` those of all meshes that may call, aliases
    included. A caller is `west (any identity)`, an identity or pattern of a mesh (`west/ns/shop/sa/web`), or `anybody`
    from outside; a service is `orders.shop:80`, or `orders.shop as shop.example` through the ingress.
    """
    meshes: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for mesh, planned in objects.items():
        for service, callers in _of_mesh(available, mesh, planned, trust_domains):
            if callers:
                meshes.setdefault((service, callers), []).append(mesh)
    return [
        {"callers": list(callers), "service": service, "meshes": found}
        for (service, callers), found in sorted(meshes.items())
    ]


def changes(before: Sequence[Exposure], after: Sequence[Exposure]) -> list[str]:
    """Return a line for each exposure that comes (`+ ...`), then for each that goes (`- ...`).

    Of more than 20 of a kind, the first 20 and how many there are.
    """
    old, new = ([one for one in these if one not in those] for these, those in ((before, after), (after, before)))
    lines_before, lines_after = set(_lines(old)), set(_lines(new))
    return [*_brief("+", lines_after - lines_before), *_brief("-", lines_before - lines_after)]


def _lines(found: Iterable[Exposure]) -> Iterator[str]:
    for one in found:
        for mesh in one["meshes"]:
            yield from (f"{caller} -> {one['service']} in {mesh}" for caller in one["callers"])


def _brief(sign: str, lines: set[str]) -> list[str]:
    shown = [f"{sign} {line}" for line in sorted(lines)[:_MOST_LINES]]
    return shown if len(lines) <= _MOST_LINES else [*shown, f"{sign} {len(lines) - _MOST_LINES} more"]


def _of_mesh(
    available: AvailableService, mesh: str, planned: Sequence[PlannedObject], trust_domains: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what of a service can be reached in a mesh, and by whom."""
    name, workload = available.service.short_name, available.workloads.get(mesh)
    policies = [one.spec for one in planned if one.kind == "AuthorizationPolicy"]
    for number, targets in workload.targets.items() if workload else ():
        admitted = {*_admitted(policies, set(targets)), *map(istio.any_principal, trust_domains[mesh])}
        callers = {caller for caller in admitted if not _denied(policies, set(targets), caller)}
        yield f"{name}:{number}", tuple(sorted({_text(caller, trust_domains) for caller in callers}))
    for one in planned:
        if one.kind == "VirtualService" and "mesh" not in one.spec["gateways"]:
            yield from ((f"{name} as {host}", (_WORLD,)) for host in one.spec["hosts"])


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
    return {int(port) for to in rule["to"] for port in to["operation"].get("ports", [])}


def _text(caller: str, trust_domains: Mapping[str, Sequence[str]]) -> str:
    if caller == "*":
        return _ANY_IDENTITY
    domain, _, identity = caller.partition("/")
    who = ", ".join(sorted(name for name, known in trust_domains.items() if domain in known)) or domain
    return f"{who} (any identity)" if identity == "*" else f"{who}/{identity}"
