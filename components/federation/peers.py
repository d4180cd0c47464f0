"""The meshes of other stacks, as their outputs describe them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pydantic import ValidationError

from components.federation import stack_outputs
from components.schema import problems
from components.trust import ca
from multimesh.contract import Export, Peer, PeerMeshOutputs
from multimesh.control_plane import INSTALLED, ControlPlane


@dataclass(frozen=True)
class PeerMesh:
    """A mesh of another stack; attributes that `Mesh` also has mean the same there."""

    name: str
    stack: str
    """As `multimesh:peers` names it."""
    trust_domains: Sequence[str]
    gateway_address: pulumi.Output[str]
    gateway_port: int
    exports: Mapping[str, Export]
    egress_addresses: Sequence[pulumi.Output[str]] | None
    control_plane: ControlPlane = INSTALLED


def mesh(name: str, stack: str, outputs: PeerMeshOutputs) -> PeerMesh:
    """Return a peer's mesh, from the outputs of its stack."""
    address, egress = pulumi.Output.from_input(outputs.gateway_address), outputs.egress_addresses
    egress = None if egress is None else [pulumi.Output.from_input(address) for address in egress]
    return PeerMesh(
        name=name,
        stack=stack,
        trust_domains=outputs.trust_domains,
        gateway_address=address,
        gateway_port=outputs.gateway_port,
        exports=outputs.exports,
        egress_addresses=egress,
        control_plane=outputs.control_plane,
    )


def named_wrongly(peers: Iterable[str]) -> list[str]:
    """Return a line for each peer that is this stack itself, or is listed twice (by its short or its full name)."""
    found, seen = [], set[str]()
    for index, peer in enumerate(peers):
        name = stack_outputs.qualified(peer)
        if name == stack_outputs.qualified(pulumi.get_stack()):
            found.append(problems.problem(("peers", index), peer, "must not be this stack itself"))
        elif name in seen:
            found.append(problems.problem(("peers", index), peer, "must be listed only once"))
        seen.add(name)
    return found


def parse(stack: str, outputs: Mapping[str, Any]) -> tuple[Peer | None, list[str]]:
    """Return a stack's outputs, and a line if they are invalid; None for a stack that has no meshes (yet)."""
    if not outputs.get("meshes"):
        return None, []
    try:
        peer = Peer.model_validate(outputs)
        for root in (peer.root_ca, *peer.root_cas.values()):
            ca.key_fingerprint(root)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])).encode("unicode_escape").decode()  # names are what the stack says
        wrong = f"{where}: {first['msg']}"
    except ValueError as error:
        wrong = f"root_ca: {error}"
    else:
        return peer, []
    return None, [problems.problem(("peers",), stack, f"its outputs are not those of a multimesh stack: {wrong}")]
