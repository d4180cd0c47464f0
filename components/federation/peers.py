"""Other stacks' meshes: what their outputs say of them, and nothing else of those stacks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pulumi
from pydantic import AfterValidator, BaseModel, NonNegativeInt, StringConstraints, ValidationError

from components.federation import stack_outputs
from components.schema import problems
from components.trust import ca as trust


class Export(BaseModel):
    """What one mesh offers under a global name: the Service's port, its weight, and who answers for it."""

    port: int
    weight: NonNegativeInt
    service_account: str


class PeerOutputs(BaseModel):
    """One mesh in the output `meshes` of its stack: where its gateway is, who its workloads are, what it exports."""

    gateway_address: str
    gateway_port: int
    trust_domain: str
    exports: dict[Annotated[str, StringConstraints(pattern=r"^[-a-z0-9]+\.[-a-z0-9]+\.[-a-z0-9.]+$")], Export]
    """By global name."""
    egress_addresses: list[str] | None = None
    """Where its requests come from; None where that is not known."""


def _certificate(pem: str) -> str:
    trust.key_fingerprint(pem)
    return pem


class Peer(BaseModel):
    """The part of a stack's outputs that its peers read."""

    meshes: dict[str, PeerOutputs]
    root_ca: Annotated[str, AfterValidator(_certificate)]
    suffix: str


@dataclass(frozen=True)
class PeerMesh:
    """A mesh of another stack; the attributes that a Mesh has too mean the same."""

    name: str
    trust_domain: str
    gateway_address: pulumi.Output[str]
    gateway_port: int
    exports: Mapping[str, Export]
    egress_addresses: Sequence[pulumi.Output[str]] | None


def mesh(name: str, outputs: PeerOutputs) -> PeerMesh:
    """Return a peer's mesh as routes are made from it."""
    address, egress = pulumi.Output.from_input(outputs.gateway_address), outputs.egress_addresses
    egress = None if egress is None else [pulumi.Output.from_input(address) for address in egress]
    return PeerMesh(name, outputs.trust_domain, address, outputs.gateway_port, outputs.exports, egress)


def named_wrongly(peers: Iterable[str]) -> list[str]:
    """Return a line for each peer that is this stack itself, or that is listed twice by whichever of its names."""
    found, seen = [], set[str]()
    for index, peer in enumerate(peers):
        name = stack_outputs.qualified(peer)
        if name == stack_outputs.qualified(pulumi.get_stack()):
            found.append(problems.problem(("peers", index), peer, "a stack is no peer of itself"))
        elif name in seen:
            found.append(problems.problem(("peers", index), peer, "a peer may be listed once"))
        seen.add(name)
    return found


def parse(stack: str, outputs: Mapping[str, Any]) -> tuple[Peer | None, list[str]]:
    """Return what a stack's outputs say, and what is wrong with them; None for a stack that has no meshes (yet)."""
    if not outputs.get("meshes"):
        return None, []
    try:
        return Peer.model_validate(outputs), []
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        message = f"its outputs are not those of a multimesh stack: {where}: {first['msg']}"
        return None, [problems.problem(("peers",), stack, message)]
