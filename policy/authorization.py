"""No policy of Istio allows everything to everybody.

https://istio.io/latest/docs/reference/config/security/authorization-policy/
"""

from collections.abc import Mapping
from typing import Any

from manifests import objects
from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    for found in objects(args):
        if found.kind != "AuthorizationPolicy" or found.spec.get("action", "ALLOW") != "ALLOW":
            continue
        for index, rule in enumerate(found.spec.get("rules") or []):
            if _allows_all(rule or {}):
                report(f"{found.path}spec.rules[{index}]: must say who or what it allows: it allows everybody", None)


def _allows_all(rule: Mapping[str, Any]) -> bool:
    """Return whether a rule has no condition that anything fails."""
    callers = _everything(rule.get("from"), "source")
    operations = _everything(rule.get("to"), "operation")
    return callers and operations and not rule.get("when")


def _everything(alternatives: Any, key: str) -> bool:
    """Return whether one of the alternatives, or there being none, is met by everything."""
    return not alternatives or any(
        all(not values or "*" in values for values in ((one or {}).get(key) or {}).values()) for one in alternatives
    )


RULE = ResourceValidationPolicy(
    name="no-open-authorization",
    description="No AuthorizationPolicy allows everything to everybody.",
    validate=_validate,
)
