"""The root CA of a stack: created here, brought by the user, or owned by another stack; and those trusted beside it."""

from collections.abc import Mapping

import pulumi

from components.trust import rotation
from components.trust.absent_root import AbsentRoot, Trusted
from components.trust.ca import AlsoTrusted, RootCa, RootCaArgs, SignedRequest, Signer
from components.trust.settings import TrustSettings


def root_of_trust(trust: TrustSettings, trusted: Trusted | None, *, revokes: bool) -> RootCa | AbsentRoot:
    """Return the issuer of the stack's intermediates; `trusted` is what there is of a root whose key is elsewhere.

    While a CA is revoked (`revokes`), each mesh's next key is made beforehand.
    """
    also = _also_trusted(trust, trusted)
    if trusted:
        return AbsentRoot(trusted, also, trust.ca_generations, next_keys=revokes)
    return RootCa(
        "brought-root" if trust.brought else _name(trust.root_generation),
        {
            **_days(trust),
            "protect": trust.protect,
            "brought": trust.brought,
            "also": also,
            "ca_generations": trust.ca_generations,
            "next_keys": revokes,
        },
    )


def roots(trust: TrustSettings, root: RootCa | AbsentRoot) -> dict[str, pulumi.Output[str]]:
    """Return every root that the meshes trust (PEM), by its name in the stack's outputs; `{}` if none is known yet."""
    if root.certificate_pem is None:
        return {}
    if isinstance(root, AbsentRoot):
        names = root.names
    elif trust.brought:
        names = [rotation.brought(trust.brought.root_pem)]
    else:
        names = [rotation.created(trust.root_generation)]
    return {
        **dict.fromkeys(names, root.certificate_pem),
        **{name: also.certificate_pem for name, also in root.also.items()},
    }


def signed_requests(
    root: RootCa | AbsentRoot, trust: TrustSettings, requests: Mapping[str, str]
) -> dict[str, SignedRequest]:
    """Sign the requests (PEM) of other stacks' meshes, by mesh; a stack without the root's key has none to sign."""
    if isinstance(root, AbsentRoot):
        return {}
    return {mesh: root.sign(mesh, trust.issued_trust_domains(mesh), pem) for mesh, pem in requests.items()}


def _name(generation: int) -> str:
    """Return the name of the resources of a created root."""
    return "root" if generation == 1 else f"root-{generation}"


def _days(trust: TrustSettings) -> RootCaArgs:
    return {"validity_days": trust.root_days, "intermediate_days": trust.intermediate_days}


def _also_trusted(trust: TrustSettings, trusted: Trusted | None) -> dict[str, AlsoTrusted]:
    """Return the roots (by name) that are trusted beside the one that signs; create one if the stack is to have it.

    A created one is not protected: the end of a rotation deletes the old one.
    """
    if trusted and trust.stack:
        return {name: AlsoTrusted(pulumi.Output.from_input(pem)) for name, pem in trusted.also.items()}
    also = trust.also_trusted
    if also is None:
        return {}
    if also.root_generation is not None:
        made = RootCa(_name(also.root_generation), _days(trust))
        return {rotation.created(also.root_generation): AlsoTrusted(made.certificate_pem, made.signer)}
    certificate = pulumi.Output.from_input(also.brought.root_pem)
    signer = Signer(certificate, {"root_key_file": also.brought.key}) if also.brought.key else None
    return {rotation.brought(also.brought.root_pem): AlsoTrusted(certificate, signer)}
