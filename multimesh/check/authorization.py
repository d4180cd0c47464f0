"""Whether AuthorizationPolicies let an identity reach a port of a pod, as Istio evaluates them; pure functions.

What only a request can tell (its path, its token, its address) is unknown here, and so is a rule that needs it.
https://istio.io/latest/docs/concepts/security/#implicit-enablement
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multimesh.check.cluster import Object, labels_of
from multimesh.control_plane import INSTALLED


@dataclass(frozen=True)
class Caller:
    """Who calls; as text it is a principal, as policies write it."""

    trust_domain: str
    namespace: str
    service_account: str

    def __str__(self) -> str:
        return f"{self.trust_domain}/ns/{self.namespace}/sa/{self.service_account}"


@dataclass(frozen=True)
class Decision:
    """Whether a call is admitted (None: it depends on the request), and the policies that decide so."""

    admitted: bool | None
    by: Sequence[str] = ()


def decide(
    policies: Iterable[Object], pod: Object, port: int, caller: Caller, root: str = INSTALLED.root_namespace
) -> Decision:
    """Return what the policies that select a pod say of a caller of its port; those of `root` hold for all pods."""
    there = [one for one in policies if _selects(one, pod, root)]
    matches = {name(one): (action(one), _matches(one, port, caller)) for one in there}
    denied = [key for key, (action, match) in matches.items() if action == "DENY" and match]
    if denied:
        return Decision(False, denied)
    depends = [
        key for key, (action, match) in matches.items() if action == "CUSTOM" or (action == "DENY" and match is None)
    ]
    allowing = {key: match for key, (action, match) in matches.items() if action == "ALLOW"}
    allowed = [key for key, match in allowing.items() if match]
    if allowing and not allowed:
        perhaps = [key for key, match in allowing.items() if match is None]
        return Decision(None, perhaps) if perhaps else Decision(False, list(allowing))
    return Decision(None, depends) if depends else Decision(True, allowed)


def target_port(service: Object, number: int, pod: Object) -> int | None:
    """Return the port of the pod behind a port of the Service; None if it has no such port."""
    for port in service["spec"].get("ports") or []:
        if port["port"] == number:
            target = port.get("targetPort", number)
            if isinstance(target, int):
                return target
            for container in pod["spec"]["containers"]:
                for offered in container.get("ports") or []:
                    if offered.get("name") == target:
                        return offered["containerPort"]
    return None


def name(policy: Object) -> str:
    """Return what a policy is called: `<namespace>/<name>`."""
    return f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"


def action(policy: Object) -> str:
    """Return what a policy does where a rule of it matches: ALLOW, DENY, CUSTOM or AUDIT."""
    return policy["spec"].get("action", "ALLOW")


def _selects(policy: Object, pod: Object, root: str) -> bool:
    spec = policy["spec"]
    if spec.get("targetRef") or spec.get("targetRefs"):
        return False  # gateways and waypoints
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    namespaces = (root, pod["metadata"]["namespace"])
    return policy["metadata"]["namespace"] in namespaces and selector.items() <= labels_of(pod).items()


def _matches(policy: Object, port: int, caller: Caller) -> bool | None:
    return _any(_rule(rule, port, caller) for rule in policy["spec"].get("rules") or [])


def _rule(rule: Mapping[str, Any], port: int, caller: Caller) -> bool | None:
    sources = [_source(one.get("source") or {}, caller) for one in rule.get("from") or []]
    operations = [_operation(one.get("operation") or {}, port) for one in rule.get("to") or []]
    conditions: list[bool | None] = [None] if rule.get("when") else []
    return _all([*([_any(sources)] if sources else []), *([_any(operations)] if operations else []), *conditions])


def _source(source: Mapping[str, Any], caller: Caller) -> bool | None:
    known = {
        "principals": str(caller),
        "namespaces": caller.namespace,
        "serviceAccounts": f"{caller.namespace}/{caller.service_account}",
    }
    return _all(_field(key, values, known) for key, values in source.items())


def _operation(operation: Mapping[str, Any], port: int) -> bool | None:
    return _all(_field(key, values, {"ports": str(port)}) for key, values in operation.items())


def _field(key: str, values: Sequence[str], known: Mapping[str, str]) -> bool | None:
    negative = key.startswith("not")
    plain = key[3:4].lower() + key[4:] if negative else key
    if plain not in known:
        return None
    return any(_equal(value, known[plain]) for value in values) != negative


def _equal(pattern: str, text: str) -> bool:
    if pattern == "*":
        return bool(text)
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _any(values: Iterable[bool | None]) -> bool | None:
    found = list(values)
    return True if True in found else None if None in found else False


def _all(values: Iterable[bool | None]) -> bool | None:
    found = list(values)
    return False if False in found else None if None in found else True
