"""The three steps of a rotation as plain data: which is next, and what the configuration then says."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from multimesh.contract import VerifyOutputs
from multimesh.stack import OutputsError

_CREATED = "created-"
_KEYS = ("root", "root_generation", "also_trusted")
"""The keys of `multimesh:trust` that a rotation changes."""


class Step(Enum):
    """What the next `pulumi up` does."""

    TRUST = "every mesh trusts both roots"
    SIGN = "every mesh signs with the new root"
    DROP = "the former root is dropped"
    DONE = "done"


@dataclass(frozen=True)
class Root:
    """A root: a created one by its number, or a brought one by the paths of its PEM files.

    `name` is its name in the output root_cas.
    """

    name: str
    generation: int | None = None
    certificate: str | None = None
    key: str | None = None
    chain: str | None = None

    @classmethod
    def created(cls, generation: int) -> "Root":
        """Return a root that the stack creates."""
        return cls(f"{_CREATED}{generation}", generation)

    @property
    def as_also_trusted(self) -> dict[str, Any]:
        """What `trust.also_trusted` says for it."""
        if self.generation is not None:
            return {"root_generation": self.generation}
        return self._paths

    @property
    def as_signing(self) -> dict[str, Any]:
        """What `trust` says if it signs."""
        if self.generation == 1:
            return {}
        if self.generation is not None:
            return {"root_generation": self.generation}
        return {"root": self._paths}

    @property
    def _paths(self) -> dict[str, Any]:
        paths = {"certificate": self.certificate, "chain": self.chain, "key": self.key}
        return {name: path for name, path in paths.items() if path}


def signing(outputs: VerifyOutputs) -> str:
    """Return the name of the root that signs. Raise OutputsError for a stack of an earlier version."""
    for name, pem in outputs.root_cas.items():
        if pem == outputs.root_ca:
            return name
    raise OutputsError("the stack was made by an earlier version: run `pulumi up` first")


def former(outputs: VerifyOutputs, trust: Mapping[str, Any], target: Root) -> Root:
    """Return the root that the target replaces. Raise OutputsError if the paths of a brought one are not configured."""
    others = [name for name in outputs.root_cas if name != target.name]
    name = signing(outputs) if signing(outputs) != target.name else (others or [target.name])[0]
    if name.startswith(_CREATED):
        return Root.created(int(name.removeprefix(_CREATED)))
    also = trust.get("also_trusted") or {}
    paths = trust.get("root") or ({} if "root_generation" in also else also)
    if "certificate" not in paths:
        raise OutputsError(f"the configuration does not say where the root {name} is: set trust.root or also_trusted")
    return Root(name, None, paths["certificate"], paths.get("key"), paths.get("chain"))


def default_target(outputs: VerifyOutputs, trust: Mapping[str, Any]) -> Root:
    """Return the created root of a rotation that was begun, or else the next one."""
    also = (trust.get("also_trusted") or {}).get("root_generation", 0)
    numbers = [int(name.removeprefix(_CREATED)) for name in outputs.root_cas if name.startswith(_CREATED)]
    begun = len(outputs.root_cas) > 1 or bool(trust.get("also_trusted"))
    newest = max([0, *numbers, also, 0 if trust.get("root") else trust.get("root_generation", 1)])
    return Root.created(newest if begun else newest + 1)


def next_step(outputs: VerifyOutputs, target: Root) -> Step:
    """Return what is to be done next, as the stack's outputs show it: so a killed rotation goes on where it was."""
    if target.name not in outputs.root_cas:
        return Step.TRUST
    if signing(outputs) != target.name:
        return Step.SIGN
    return Step.DROP if len(outputs.root_cas) > 1 else Step.DONE


def configured(trust: Mapping[str, Any], step: Step, old: Root, new: Root) -> dict[str, Any]:
    """Return what `multimesh:trust` says at a step; keys that are no matter of the rotation stay."""
    kept = {key: value for key, value in trust.items() if key not in _KEYS}
    match step:
        case Step.TRUST:
            return {**kept, **old.as_signing, "also_trusted": new.as_also_trusted}
        case Step.SIGN:
            return {**kept, **new.as_signing, "also_trusted": old.as_also_trusted}
        case _:
            return {**kept, **new.as_signing}
