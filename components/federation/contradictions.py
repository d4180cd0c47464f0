"""Contradictions between stacks of one federation: each message names both stacks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from components.schema import problems
from components.trust import ca


@dataclass(frozen=True)
class Claims:
    """The settings of one stack that must not contradict its peers.

    `root` is the certificate of the root CA that signs (PEM), None if this run creates it; `also_trusted` are others
    that its meshes trust, while one replaces the other. `trust_domains`, aliases included, are by mesh, `ports` are by
    global name, each with its protocol if that is known.
    """

    stack: str
    suffix: str
    root: str | None
    also_trusted: Sequence[str]
    trust_domains: Mapping[str, Sequence[str]]
    ports: Mapping[str, Mapping[int, str | None]]


def between(stacks: Iterable[Claims]) -> list[str]:
    """Return a line for every contradiction between two of the stacks."""
    return [line for one, other in combinations(stacks, 2) for line in _between(one, other)]


def _between(one: Claims, other: Claims) -> list[str]:
    stacks = f"stacks {one.stack} and {other.stack}"
    domains = {domain: mesh for mesh, of_mesh in one.trust_domains.items() for domain in of_mesh}
    found = [f"{stacks} both have a mesh {mesh}" for mesh in one.trust_domains if mesh in other.trust_domains]
    found += [
        f"{stacks} both have the trust domain {domain} (meshes {domains[domain]} and {mesh})"
        for mesh, of_mesh in other.trust_domains.items()
        for domain in of_mesh
        if domain in domains
    ]
    found += [
        f"{stacks} export {name} at different ports: {_listed(ports)} and {_listed(other.ports[name])}"
        for name, ports in one.ports.items()
        if name in other.ports and not ports.keys() & other.ports[name].keys()
    ]
    found += [
        f"{stacks} export {name} with different protocols at port {number}: {ours} and {theirs}"
        for name, ports in one.ports.items()
        for number, ours in ports.items()
        if ours and (theirs := other.ports.get(name, {}).get(number)) and theirs != ours
    ]
    if one.suffix != other.suffix:
        found.append(f"{stacks} have different suffixes: {one.suffix} and {other.suffix}")
    found += _roots_between(one, other)
    return [problems.problem(("peers",), [], line) for line in found]


def _roots_between(one: Claims, other: Claims) -> Iterator[str]:
    """Yield a line for each root with which one of two stacks signs, and which the other does not trust.

    A renewed root is the same CA with the same key: the stacks get its new certificate one after the other.
    """
    stacks = f"stacks {one.stack} and {other.stack}"
    if _trusted(one).isdisjoint(_trusted(other)):
        roots = " and ".join(_root(claims.root) for claims in (one, other))
        yield f"{stacks} have different root CAs: {roots}. Let one stack issue the other's CAs: set `trust.stack`"
        return
    for signs, trusts in ((one, other), (other, one)):
        if signs.root is None or ca.key_fingerprint(signs.root) not in _trusted(trusts):
            yield (
                f"{stacks} are at different steps of a rotation: {trusts.stack} does not trust {_root(signs.root)}, "
                f"with which {signs.stack} signs. Wait for {trusts.stack}: run `pulumi up` there, and then here"
            )


def _trusted(claims: Claims) -> set[str]:
    """Return the keys of all roots that a stack's meshes trust."""
    return {ca.key_fingerprint(root) for root in [claims.root, *claims.also_trusted] if root}


def _listed(ports: Iterable[int]) -> str:
    return ", ".join(map(str, ports))


def _root(certificate: str | None) -> str:
    return ca.fingerprint(certificate) if certificate else "one that is not created yet"
