"""No role, user or group may do everything to everything.

https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from inputs import plain
from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

_POLICIES = {
    f"aws:iam/{kind[0].lower()}{kind[1:]}:{kind}" for kind in ("Policy", "RolePolicy", "UserPolicy", "GroupPolicy")
}
_ADMINISTRATOR = ":aws:policy/AdministratorAccess"
_BASIC_ROLES = ("roles/owner", "roles/editor")


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    props = plain(args.props)
    if args.resource_type in _POLICIES:
        documents = {"policy": props.get("policy")}
    elif args.resource_type == "aws:iam/role:Role":
        inline = props.get("inlinePolicies") or []
        documents = {f"inlinePolicies[{index}].policy": one.get("policy") for index, one in enumerate(inline)}
    else:
        documents = {}
    for path, document in documents.items():
        for index in _unlimited(document):
            report(f"{path}: must not allow everything on everything, as Statement[{index}] does", None)
    for path, given in _attached(args.resource_type, props):
        if given.endswith(_ADMINISTRATOR) or given in _BASIC_ROLES:
            report(f"{path}: must not be {given}: it allows everything on everything", None)


def _unlimited(document: Any) -> Iterator[int]:
    """Return the positions of the statements that allow every action, or all but some, on every resource."""
    try:
        parsed = json.loads(document) if isinstance(document, str) else document
    except ValueError:  # not known in a preview
        return
    statements = parsed.get("Statement") if isinstance(parsed, Mapping) else None
    for index, statement in enumerate(_listed(statements)):
        if statement.get("Effect") != "Allow":
            continue
        actions = set(_listed(statement.get("Action"))) & {"*", "*:*"} or "NotAction" in statement
        resources = "*" in _listed(statement.get("Resource")) or "NotResource" in statement
        if actions and resources:
            yield index


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _attached(type: str, props: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if type.startswith("aws:iam/"):
        keys = ("policyArn", "managedPolicyArns")
    elif type.startswith("gcp:") and "iam" in type.lower():
        keys = ("role",)
    else:
        keys = ()
    for key in keys:
        for given in _listed(props.get(key)):
            if isinstance(given, str):
                yield key, given


RULE = ResourceValidationPolicy(
    name="limited-identities",
    description="No identity of AWS or Google Cloud may do everything to everything.",
    validate=_validate,
)
