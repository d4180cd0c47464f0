"""Entries of trust.revoked that come too early, and revocation lists that would be missing."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.schema import problems
from components.trust import revocation
from components.trust.planned import PlannedRoots
from components.trust.settings import TrustSettings
from multimesh.contract import Peer

_PATH = ("trust", "revoked")


def refused(
    trust: TrustSettings,
    plan: PlannedRoots,
    had: Mapping[str, Any],
    peers: Mapping[str, Peer],
    issued: Mapping[str, Any],
    *,
    revokes: bool,
) -> Iterator[str]:
    """Yield a line for each entry of trust.revoked that comes too early, and for lists that would be missing.

    `plan` are the roots that the meshes are to trust, `had` are the stack's own outputs, `peers` those of its peers, by
    stack. `issued` are the outputs of the stacks that have the meshes in trust.issues, by mesh. `revokes` is whether
    any CA is revoked.
    """
    numbers = [revocation.serial(text) for text in trust.revoked]
    yield from _roots(plan, numbers)
    yield from _of_this_stack(trust, had, numbers)
    for mesh, outputs in issued.items():
        serials = {mesh: _serials(outputs).get(mesh, "")}
        for _ in revocation.still_signing(numbers, serials):
            stack = trust.asked_by(mesh)
            message = (
                f"mesh {mesh} of stack {stack} signs with this CA. First give it another key: another "
                f"trust.ca_generations.{mesh} there, then `pulumi up` there, here and there again"
            )
            yield problems.problem(_PATH, serials[mesh], message)
    for stack, peer in peers.items():
        serials = {name: about.ca_serial for name, about in peer.meshes.items() if name not in issued}
        for mesh in revocation.still_signing(numbers, serials):
            message = f"mesh {mesh} of stack {stack} signs with this CA. Wait for {stack}: run `pulumi up` there"
            yield problems.problem(_PATH, serials[mesh], message)
        if revokes and not peer.revocation_lists:
            message = (
                f"stack {stack} has no revocation list of its CAs yet, so its meshes would be refused. "
                f"Wait for {stack}: run `pulumi up` there"
            )
            yield problems.problem(_PATH, problems.ABSENT, message)
    lists = had.get("root_revocation_lists") or ""
    if lists and not revokes:
        message = (
            "proxies check revocation lists since a CA was revoked, and refuse every CA that has none, so keep an entry"
        )
        yield problems.problem(_PATH, problems.ABSENT, message)
    yield from _without_key(trust, numbers, lists)


def _roots(plan: PlannedRoots, numbers: list[int]) -> Iterator[str]:
    trusted = [pem for pem in (plan.signs, *plan.also) if pem] if numbers else []
    for number in map(revocation.serial_of, trusted):
        if revocation.serial(number) in numbers:
            message = (
                "is a root that the meshes trust, so every certificate would be refused. Replace it with `multimesh "
                "rotate-root`, and remove this entry"
            )
            yield problems.problem(_PATH, number, message)


def _of_this_stack(trust: TrustSettings, had: Mapping[str, Any], numbers: list[int]) -> Iterator[str]:
    serials = _serials(had)
    for mesh in revocation.still_signing(numbers, serials):
        following = max(trust.ca_generation(mesh), int(had["meshes"][mesh].get("ca_generation", 1)) + 1)
        message = (
            f"mesh {mesh} still signs with this CA. First give it another key: set trust.ca_generations.{mesh} to "
            f"{following} and run `pulumi up` without this entry"
        )
        yield problems.problem(_PATH, serials[mesh], message)


def _without_key(trust: TrustSettings, numbers: list[int], lists: str) -> Iterator[str]:
    """Yield a line for each of the user's own roots that has to sign another list, and whose key is not there."""
    also = trust.also_trusted
    own = {"root": trust.brought, "also_trusted": also.brought if also and also.root_generation is None else None}
    for name, root in own.items():
        if not numbers or root is None or root.key is None or Path(root.key).expanduser().exists():
            continue
        if revocation.earlier(root.root_pem, numbers, lists) is None:
            message = (
                f"{root.key} is not there (trust.{name}.key), and the list of what is revoked is to be signed with it: "
                "bring it back for this `pulumi up`"
            )
            yield problems.problem(_PATH, problems.ABSENT, message)


def _serials(outputs: Mapping[str, Any]) -> dict[str, str]:
    """Return the serial number of each mesh's CA; "" where a stack does not say it, as one of an earlier version."""
    meshes = outputs.get("meshes")
    found = meshes.items() if isinstance(meshes, Mapping) else ()
    return {name: str(about.get("ca_serial", "")) for name, about in found if isinstance(about, Mapping)}
