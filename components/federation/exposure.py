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
_ALL = {"": "anybody", "*": "any workload of the root"}
"""Who is not of one mesh."""
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
    texts, names = dict[frozenset[str], tuple[str, ...]](), _names(trust_domains)
    for mesh, planned in objects.items():
        for service, principals in _of_mesh(available, mesh, planned, trust_domains[mesh], closed=mesh not in joined):
            if principals not in texts:  # which most meshes have in common
                texts[principals] = tuple(sorted({_text(one, names) for one in principals}))
            if callers := texts[principals]:
                meshes.setdefault((service, callers), []).append(mesh)
    return [
        {"callers": list(callers), "service": service, "meshes": found}
        for (service, callers), found in sorted(meshes.items())
    ]


def _names(trust_domains: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the meshes that have each trust domain."""
    named = dict[str, list[str]]()
    for mesh in sorted(trust_domains):
        for domain in trust_domains[mesh]:
            named.setdefault(domain, []).append(mesh)
    return {domain: ", ".join(found) for domain, found in named.items()}


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
    *,
    closed: bool,
) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield what of a service can be reached in a mesh, and by which principals; "" is anybody.

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
            named = _covered(own, named)
        elif not rules:
            named = {"*"}
        callers = {*named, *own}
        for rule in rules:
            callers -= _denied(rule, callers)
        yield f"{name}:{number}", frozenset(callers)
    for one in planned:
        if one.kind == "VirtualService" and "mesh" not in one.spec["gateways"]:
            yield from ((f"{name} as {host}", frozenset({""})) for host in one.spec["hosts"])


def _excepted(source: istio.Spec) -> Sequence[str]:
    return source["source"].get("notPrincipals", ())


def _denied(rule: istio.Spec, callers: Collection[str]) -> set[str]:
    """Return those for whom a rule of a DENY holds, of some with an identity."""
    if not rule.get("from"):
        return {*callers}
    return {one for source in rule["from"] for one in {*callers} - _covered(_excepted(source), callers)}


def _covered(patterns: Collection[str], callers: Collection[str]) -> set[str]:
    """Return those of the callers that some pattern is about; both may be many."""
    prefixes = tuple(one[:-1] for one in patterns if one[-1:] == "*")
    return {one for one in callers if one.startswith(prefixes)} | ({*patterns} & {*callers})


def _ports(rule: istio.Spec) -> set[int]:
    return {int(port) for to in rule["to"] for port in to["operation"]["ports"]}


def _text(caller: str, names: Mapping[str, str]) -> str:
    if caller in _ALL:
        return _ALL[caller]
    domain, _, identity = caller.partition("/")
    who = names.get(domain, domain)
    return f"{who} (any identity)" if identity == "*" else f"{who}/{identity}"
