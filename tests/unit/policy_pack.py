"""The committed policy pack, without an engine: its rules as the analyzer would run them on one resource."""

import runpy
from typing import Any
from unittest.mock import patch

from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)
from pulumi_policy.proxy import unknown_checking_proxy
from pulumi_policy.secret import Secret, secrets_preserving_proxy
from recording import CHECKOUT, Recording

OPTIONS = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


def _rules() -> list[ResourceValidationPolicy]:
    with patch("pulumi_policy.PolicyPack") as pack:  # the real one serves until its engine goes away
        runpy.run_path(str(CHECKOUT / "policy"), run_name="__main__")
    return pack.call_args.kwargs["policies"]


RULES = _rules()


def violations(type: str, inputs: dict[str, Any], provider: dict[str, Any] | None = None) -> list[str]:
    """Return what the rules say of a resource, `<rule>: <message>` each; its secret inputs are in a `Secret`."""
    said: list[str] = []
    source = PolicyProviderResource("pulumi:providers:any", provider or {}, "urn of the provider", "provider")
    for rule in RULES:

        def arguments(props: Any) -> ResourceValidationArgs:
            return ResourceValidationArgs(type, props, "urn", "name", OPTIONS, source)

        def report(message: str, _urn: str | None = None, rule: ResourceValidationPolicy = rule) -> None:
            said.append(f"{rule.name}: {message}")

        if rule.has_remediation():
            assert rule.remediate(arguments(secrets_preserving_proxy(inputs))) is None, "a rule changes nothing"
        rule.validate(arguments(unknown_checking_proxy(_unwrapped(inputs))), report)
    return said


def violations_of(recording: Recording) -> list[str]:
    """Return what the rules say of a recorded program, `<resource>: <rule>: <message>` each."""
    providers = {resource.urn: resource.inputs for resource in recording.of("") if "pulumi:providers:" in resource.type}
    found: list[str] = []
    for resource in recording.resources.values():
        inputs = {key: Secret(value) if key in resource.secrets else value for key, value in resource.inputs.items()}
        provider = providers.get(resource.provider.rpartition("::")[0])
        found += [f"{resource.name}: {said}" for said in violations(resource.type, inputs, provider)]
    return found


def _unwrapped(value: Any) -> Any:
    if isinstance(value, Secret):
        return _unwrapped(value.value)
    if isinstance(value, dict):
        return {key: _unwrapped(inner) for key, inner in value.items()}
    return [_unwrapped(inner) for inner in value] if isinstance(value, list) else value
