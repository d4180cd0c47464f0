"""The root CA of a stack: created here, brought by the user, or owned by another stack."""

from collections.abc import Mapping

from components.trust.absent_root import AbsentRoot, Trusted
from components.trust.ca import RootCa, SignedRequest
from components.trust.settings import TrustSettings


def root_of_trust(trust: TrustSettings, trusted: Trusted | None) -> RootCa | AbsentRoot:
    """Return the issuer of the stack's intermediates; `trusted` is what there is of a root whose key is elsewhere."""
    if trusted:
        return AbsentRoot(trusted)
    return RootCa(
        "root",
        {
            "validity_days": trust.root_days,
            "intermediate_days": trust.intermediate_days,
            "protect": trust.protect,
            "brought": trust.brought,
        },
    )


def signed_requests(
    root: RootCa | AbsentRoot, trust: TrustSettings, requests: Mapping[str, str]
) -> dict[str, SignedRequest]:
    """Sign the requests (PEM) of other stacks' meshes, by mesh; a stack without the root's key has none to sign."""
    if isinstance(root, AbsentRoot):
        return {}
    return {mesh: root.sign(mesh, trust.issued_trust_domain(mesh), pem) for mesh, pem in requests.items()}
