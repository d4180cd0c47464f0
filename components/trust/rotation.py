"""The steps of a rollout from one root CA to another, as plain data: which step may follow which.

A root may sign only if the meshes trust it already, and may be dropped only if it does not sign. So a rotation from
A to B is three runs of `up`: A signs and B is trusted, too; B signs and A is trusted, too; B alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from components.schema import problems
from components.trust.ca import key_fingerprint

CREATED = "created-{}"


@dataclass(frozen=True)
class Roots:
    """The roots of one stack's meshes: the one that signs (None: not created yet), and all that are trusted.

    Both are SHA-256 fingerprints of keys: a renewed root is the same root.
    """

    signs: str | None
    trusted: frozenset[str]


def of_outputs(root_ca: str | None, root_cas: Mapping[str, str]) -> Roots | None:
    """Return the roots that a stack's outputs state (PEM); None if it states none: it is not up yet."""
    if not root_ca:
        return None
    signs = key_fingerprint(root_ca)
    return Roots(signs, frozenset({signs, *map(key_fingerprint, root_cas.values())}))


def same_key(one: str, other: str) -> bool:
    """Return whether two certificates (PEM) have the same key: then they are one root."""
    return key_fingerprint(one) == key_fingerprint(other)


def created(generation: int) -> str:
    """Return the name of a created root among the roots in the outputs."""
    return CREATED.format(generation)


def brought(certificate_pem: str) -> str:
    """Return the name of a brought root (PEM) among the roots in the outputs."""
    return f"brought-{key_fingerprint(certificate_pem)[:16]}"


def skipped(had: Roots | None, plan: Roots, path: problems.Path, ways_out: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each step that the plan skips.

    `ways_out` has what to do if the new root is not trusted yet (`untrusted`), or the old one is not trusted any more
    although running proxies have certificates of it (`dropped`).
    """
    if had is None or had.signs == plan.signs:
        return
    if plan.signs not in had.trusted:
        yield problems.problem(
            path, problems.ABSENT, f"the meshes do not trust this root yet, so it cannot sign. {ways_out['untrusted']}"
        )
    elif had.signs not in plan.trusted:
        yield problems.problem(
            path,
            problems.ABSENT,
            f"running proxies still have certificates of the former root, so it must stay trusted. "
            f"{ways_out['dropped']}",
        )
