"""The roots that a stack's meshes are to trust after this run, as far as they exist before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.schema import problems
from components.trust import rotation
from components.trust.absent_root import Trusted
from components.trust.brought_root import BroughtRoot
from components.trust.ca import key_fingerprint
from components.trust.rotation import Roots
from components.trust.settings import TrustSettings


@dataclass(frozen=True)
class PlannedRoots:
    """The root that signs (PEM; None if this run creates it), and the others that are trusted and exist already."""

    signs: str | None
    also: Sequence[str]

    @property
    def keys(self) -> Roots:
        """The same, as the fingerprints of their keys."""
        signs = self.signs and key_fingerprint(self.signs)
        return Roots(signs, frozenset(map(key_fingerprint, [self.signs, *self.also] if self.signs else self.also)))


def planned(trust: TrustSettings, trusted: Trusted | None, had: Mapping[str, Any], *, own: bool) -> PlannedRoots:
    """Return the roots of this run.

    `had` are the stack's outputs before it, `own` is whether the root in them is one that this stack created.
    """
    if trusted and trust.stack:
        return PlannedRoots(trusted.root, list(trusted.also.values()))
    created: dict[str, str] = had.get("root_cas") or ({rotation.created(1): had["root_ca"]} if own else {})
    if had.get("root_ca_owner") and not own:
        created = {}  # those of another stack have the same names
    also = trust.also_trusted
    if also is None:
        other = None
    elif also.root_generation is None:
        other = also.brought.root_pem
    else:
        other = created.get(rotation.created(also.root_generation))
    signs = trust.brought.root_pem if trust.brought else created.get(rotation.created(trust.root_generation))
    return PlannedRoots(signs, [other] if other else [])


def skipped_steps(
    trust: TrustSettings, trusted: Trusted | None, had: Mapping[str, Any], plan: PlannedRoots, *, own: bool
) -> list[str]:
    """Return a line for each step of the rotation, from the root in the stack's outputs to another, that is skipped.

    `own` is whether the root in these outputs is one that this stack created.
    """
    before = rotation.of_outputs(had.get("root_ca"), had.get("root_cas") or {})
    if trust.stack:
        path: problems.Path = ("trust", "stack")
        untrusted = (
            f"Stack {trust.stack} signs with it too early: restore its former root there, with the new one in "
            "trust.also_trusted, and run `pulumi up` there and then here"
        )
        dropped = (
            f"Stack {trust.stack} dropped it too early: add it to trust.also_trusted there, and run `pulumi up` there "
            "and then here"
        )
    else:
        path = ("trust", "root") if trust.root else ("trust", "root_generation")
        new = _as_also_trusted(trust.brought) if trust.brought else f"{{root_generation: {trust.root_generation}}}"
        untrusted = (
            f"Restore the former root, add the new one as `also_trusted: {new}` to trust, and run `pulumi up`; or let "
            "`multimesh rotate-root` do every step (docs/security.md)"
        )
        if (owner := had.get("root_ca_owner")) and not own:
            untrusted = (
                f"It was that of stack {owner}: restore trust.stack. A root of your own may sign here once "
                "trust.also_trusted there has its certificate, and `pulumi up` was run there and here"
            )
        dropped = (
            f"Add it to trust as `also_trusted: {_former(had)}`, and remove that once `multimesh rotate-root --check` "
            "finds nothing to wait for"
        )
    found = list(rotation.skipped(before, plan.keys, path, {"untrusted": untrusted, "dropped": dropped}))
    return found or [
        problems.problem(
            ("meshes", mesh),
            problems.ABSENT,
            f"its CA is signed under a root that is trusted no more, and no other is signed for it yet. {dropped}",
        )
        for mesh, ca in (trusted.held if trusted else {}).items()
        if key_fingerprint(ca.root) not in plan.keys.trusted
    ]


def _as_also_trusted(root: BroughtRoot) -> str:
    """Return how trust.also_trusted names a brought root."""
    chain = f", chain: {root.chain}" if root.chain else ""
    return f"{{certificate: {root.certificate}{chain}}}"


def _former(had: Mapping[str, Any]) -> str:
    """Return how trust.also_trusted names the root that signed before."""
    for name, pem in (had.get("root_cas") or {}).items():
        if pem == had["root_ca"] and name.startswith(rotation.CREATED.format("")):
            return f"{{root_generation: {name.removeprefix(rotation.CREATED.format(''))}}}"
    return "{certificate: <path>}" if not had.get("root_ca_owner") else "{root_generation: 1}"
