"""The root CA of a stack: created here, brought by the user, or owned by another stack."""

from components.trust.ca import RootCa
from components.trust.settings import TrustSettings
from components.trust.trust_stack import Trusted, TrustStack


def root_of_trust(trust: TrustSettings, trusted: Trusted | None) -> RootCa | TrustStack:
    """Return the issuer of the stack's intermediates; `trusted` has the CAs that another stack has already issued."""
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
