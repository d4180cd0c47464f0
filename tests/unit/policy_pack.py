"""The committed policy pack, without an engine: its rules as the analyzer would run them on one resource."""

import runpy
from typing import Any
from unittest.mock import patch

from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY, deserialize_properties
from pulumi_policy.proxy import unknown_checking_proxy
from pulumi_policy.secret import Secret
from recording import CHECKOUT, Recording

OPTIONS = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


def _rules() -> list[ResourceValidationPolicy | StackValidationPolicy]:
    with patch("pulumi_policy.PolicyPack") as pack:  # the real one serves until its engine goes away
        runpy.run_path(str(CHECKOUT / "policy"), run_name="__main__")
    return pack.call_args.kwargs["policies"]


RULES = _rules()


def violations(type: str, inputs: dict[str, Any], provider: dict[str, Any] | None = None) -> list[str]:
    """Return what the rules say of a resource, `<rule>: <message>` each; its secret inputs are in a `Secret`."""
    said: list[str] = []
    source = PolicyProviderResource("pulumi:providers:any", provider or {}, "urn of the provider", "provider")
    wire = _wire(inputs)
    for rule in RULES:
        if isinstance(rule, StackValidationPolicy):
            continue

        def arguments(props: Any) -> ResourceValidationArgs:
            return ResourceValidationArgs(type, props, "urn", "name", OPTIONS, source)

        def report(message: str, _urn: str | None = None, rule: ResourceValidationPolicy = rule) -> None:
            said.append(f"{rule.name}: {message}")

        if rule.has_remediation():
            seen = unknown_checking_proxy(deserialize_properties(wire, True))
            assert rule.remediate(arguments(seen)) is None, "a rule changes nothing"
        rule.validate(arguments(unknown_checking_proxy(deserialize_properties(wire))), report)
    return said


def stack_violations(resources: list[PolicyResource]) -> list[str]:
    """Return what the rules about a whole stack say, `<name>: <rule>: <message>` each."""
    said: list[str] = []
    names = {resource.urn: resource.name for resource in resources}
    for rule in RULES:
        if isinstance(rule, StackValidationPolicy):

            def report(message: str, urn: str | None = None, rule: StackValidationPolicy = rule) -> None:
                said.append(f"{names[urn or '']}: {rule.name}: {message}")

            rule.validate(StackValidationArgs(resources), report)
    return said


def stack_resource(type: str, name: str, inputs: dict[str, Any], **given: list[PolicyResource]) -> PolicyResource:
    """Return a resource as the rules about a whole stack see it; `given` are the resources that an input is made of."""
    props = unknown_checking_proxy(deserialize_properties(_wire(inputs)))
    return PolicyResource(type, props, f"urn of {name}", name, OPTIONS, None, None, [], given)


def violations_of(recording: Recording) -> list[str]:
    """Return what the rules say of a recorded program, `<resource>: <rule>: <message>` each."""
    providers = {resource.urn: resource.inputs for resource in recording.of("") if "pulumi:providers:" in resource.type}
    found: list[str] = []
    for resource in recording.resources.values():
        inputs = {key: Secret(value) if key in resource.secrets else value for key, value in resource.inputs.items()}
        provider = providers.get(resource.provider.rpartition("::")[0])
        found += [f"{resource.name}: {said}" for said in violations(resource.type, inputs, provider)]
    return found + stack_violations(_stack_resources(recording))


def _stack_resources(recording: Recording) -> list[PolicyResource]:
    known = {each.urn: stack_resource(each.type, each.name, each.inputs) for each in recording.resources.values()}
    for each in recording.resources.values():
        for key, urns in each.property_dependencies.items():
            known[each.urn].property_dependencies[key] = [known[urn] for urn in urns if urn in known]
    return list(known.values())


def _wire(value: Any) -> Any:
    """Return a value as the engine sends it: a secret is a mapping with a mark, and every number a float."""
    if isinstance(value, Secret):
        return {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": _wire(value.value)}
    if isinstance(value, dict):
        return {key: _wire(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_wire(inner) for inner in value]
    return float(value) if type(value) is int else value
