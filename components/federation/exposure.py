"""Who will be able to reach what, by the objects that the meshes are given. Pure functions.

It is read from the rendered objects, not from the configuration, so that a mistake of the renderer shows.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from components import envoy, istio
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
    joined: Collection[str] = (),
) -> list[Exposure]:
    """Return who reaches a service, meshes with the same callers in one entry.

    `objects` are the service's by mesh of this stack, `trust_domains` those of all meshes that may call, aliases
    included. In the `joined` meshes no filter closes pods to other meshes, so nothing opens them. A caller is
    `west (any identity)`, an identity or pattern of a mesh (`west/ns/shop/sa/web`), or `anybody` from outside; a
    service is `orders.shop:80`, or `orders.shop as shop.example` through the ingress.
    """
    meshes: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    named = dict[str, list[str]]()
    for mesh in sorted(trust_domains):
        for domain in trust_domains[mesh]:
            named.setdefault(domain, []).append(mesh)
    names = {domain: ", ".join(found) for domain, found in named.items()}
    for mesh, planned in objects.items():
        for service, callers in _of_mesh(
            available, mesh, planned, trust_domains[mesh], names, closed=mesh not in joined
        ):
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
    available: AvailableService,
    mesh: str,
    planned: Sequence[PlannedObject],
    trust_domains: Sequence[str],
    names: Mapping[str, str],
    *,
    closed: bool,
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what of a service can be reached in a mesh, and by whom; `names` are of meshes by trust domain.

    `closed` is whether other meshes reach opened ports alone.
    """
    name, workload = available.service.short_name, available.workloads.get(mesh)
    denials = [one.spec for one in planned if one.kind == "AuthorizationPolicy"]
    opened = {port for one in planned if one.kind == "EnvoyFilter" for port in envoy.opened_ports(one.spec)}
    own = [istio.any_principal(domain) for domain in trust_domains]
    for number, targets in workload.targets.items() if workload else ():
        rules = [rule for policy in denials for rule in policy["rules"] if _ports(rule) & set(targets)]
        named = {caller for rule in rules for source in rule.get("from", ()) for caller in _excepted(source)}
        if closed and opened.isdisjoint(targets):
            named = {caller for caller in named if _covers(own, caller)}
        elif not rules:
            named = {"*"}
        callers = {caller for caller in {*named, *own} if not any(_denied(rule, caller) for rule in rules)}
        yield f"{name}:{number}", tuple(sorted({_text(caller, names) for caller in callers}))
    for one in planned:
        if one.kind == "VirtualService" and "mesh" not in one.spec["gateways"]:
            yield from ((f"{name} as {host}", (_WORLD,)) for host in one.spec["hosts"])


def _excepted(source: istio.Spec) -> Sequence[str]:
    return source["source"].get("notPrincipals", ())


def _denied(rule: istio.Spec, caller: str) -> bool:
    """Return whether a rule of a DENY holds for somebody with an identity."""
    return not rule.get("from") or any(not _covers(_excepted(source), caller) for source in rule["from"])


def _covers(patterns: Sequence[str], caller: str) -> bool:
    return caller in patterns or any(one[-1:] == "*" and caller.startswith(one[:-1]) for one in patterns)


def _ports(rule: istio.Spec) -> set[int]:
    return {int(port) for to in rule["to"] for port in to["operation"]["ports"]}


def _text(caller: str, names: Mapping[str, str]) -> str:
    if caller == "*":
        return _ANY_IDENTITY
    domain, _, identity = caller.partition("/")
    who = names.get(domain, domain)
    return f"{who} (any identity)" if identity == "*" else f"{who}/{identity}"
