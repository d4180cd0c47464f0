"""The root of trust of a stack: made here, brought by the user, or another stack's."""

from components.trust import brought_root
from components.trust.ca import RootCa
from components.trust.settings import TrustSettings
from components.trust.trust_stack import Trusted, TrustStack


def of(trust: TrustSettings, trusted: Trusted | None) -> RootCa | TrustStack:
    """Return what issues the stack's intermediates; `trusted` is what another stack has issued already."""
    if trusted:
        return TrustStack(trusted)
    brought = trust.root and brought_root.load(trust.root.certificate, trust.root.key, trust.intermediate_days)
    return RootCa(
        "root",
        {
            "validity_days": trust.root_days,
            "intermediate_days": trust.intermediate_days,
            "protect": trust.protect,
            "brought": brought,
        },
    )
