"""The root CA of a stack: created here, brought by the user, or owned by another stack."""

import pulumi

from components.trust import rotation
from components.trust.ca import AlsoTrusted, RootCa, RootCaArgs
from components.trust.settings import TrustSettings
from components.trust.trust_stack import Trusted, TrustStack


def root_of_trust(trust: TrustSettings, trusted: Trusted | None) -> RootCa | TrustStack:
    """Return the issuer of the stack's intermediates; `trusted` has the CAs that another stack has already issued."""
    if trusted:
        return TrustStack(trusted)
    return RootCa(
        "brought-root" if trust.brought else _name(trust.root_generation),
        {
            "validity_days": trust.root_days,
            "intermediate_days": trust.intermediate_days,
            "protect": trust.protect,
            "brought": trust.brought,
            "also": _also_trusted(trust),
        },
    )


def roots(trust: TrustSettings, root: RootCa | TrustStack) -> dict[str, pulumi.Output[str]]:
    """Return every root that the meshes trust (PEM), by its name in the stack's outputs."""
    if isinstance(root, TrustStack):
        return root.roots
    brought = trust.brought
    name = rotation.brought(brought.certificate_pem) if brought else rotation.created(trust.root_generation)
    return {name: root.certificate_pem, **{other: also.certificate_pem for other, also in root.also.items()}}


def _name(generation: int) -> str:
    """Return the name of the resources of a created root."""
    return "root" if generation == 1 else f"root-{generation}"


def _also_trusted(trust: TrustSettings) -> dict[str, AlsoTrusted]:
    """Return the root (by name) that is trusted beside the one that signs; create it if the stack is to have one.

    It is not protected: the end of a rotation deletes the old one.
    """
    also = trust.also_trusted
    if also is None:
        return {}
    if also.root_generation is None:
        key = None if also.private_key_pem is None else pulumi.Output.secret(also.private_key_pem)
        root = AlsoTrusted(pulumi.Output.from_input(also.certificate_pem), key)
        return {rotation.brought(also.certificate_pem): root}
    args: RootCaArgs = {"validity_days": trust.root_days, "intermediate_days": trust.intermediate_days}
    made = RootCa(_name(also.root_generation), args)
    return {rotation.created(also.root_generation): AlsoTrusted(made.certificate_pem, made.private_key_pem)}
