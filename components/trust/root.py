"""The root CA of a stack: made here, the user's own, or another stack's."""

from components.trust.ca import RootCa
from components.trust.settings import TrustSettings
from components.trust.trust_stack import Trusted, TrustStack


def root_of_trust(trust: TrustSettings, trusted: Trusted | None) -> RootCa | TrustStack:
    """Return what issues the stack's intermediates; `trusted` is what another stack has issued already."""
    if trusted:
        return TrustStack(trusted)
    return RootCa(
        "root",
        {
            "validity_days": trust.root_days,
            "intermediate_days": trust.intermediate_days,
            "protect": trust.protect,
            "brought": trust.brought,
        },
    )
