"""Reading a stack's configuration, and reporting all its mistakes at once."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pulumi
from pydantic import TypeAdapter, ValidationError

from components.mesh.ingress_settings import IngressSettings
from components.mesh.settings import IstioSettings
from components.mesh.topology import Topology
from components.schema import problems
from components.settings import cross_checks, ingress, installation, single_mesh
from components.settings.empty_keys import empty_keys
from components.settings.parts import Parts
from components.settings.service import ServiceSettings
from components.settings.stack import MeshSettings, Settings
from components.trust.settings import TrustSettings

_EMPTY = "is empty: give it a value, or remove it"
_UNREADABLE = "has a text with half of a surrogate pair: write the whole character"


def read() -> Settings:
    """Return the stack's configuration. Raise SettingsError listing every mistake."""
    return validate(_configured())


def validate(raw: dict[str, Any]) -> Settings:
    """Return the whole configuration, checked. Raise SettingsError listing every mistake.

    Each part is first validated by itself, once, so that valid parts are checked against each other even if others are
    invalid.
    """
    unreadable = [problems.problem(path, problems.ABSENT, _UNREADABLE) for path in _half_characters(raw)]
    unreadable += [problems.problem(path, problems.ABSENT, _EMPTY) for path in empty_keys(raw)]
    if unreadable:
        raise problems.SettingsError(problems.report(unreadable))
    context = _context(raw)
    typed = _typed_parts(raw, context)
    parts = Parts.valid(typed, context["meshes"])
    found = cross_checks.clashes(parts) + cross_checks.sample_mistakes(parts) + cross_checks.owned_values(parts)
    found += installation.mistakes(parts)
    found += single_mesh.contradictions(parts)
    found += cross_checks.refused_by_envoy(parts)
    found += cross_checks.excluded_by_the_root(parts) + cross_checks.related_aliases(parts) + ingress.mistakes(parts)
    try:
        settings = Settings.model_validate(typed, context=context)
    except ValidationError as error:
        found += problems.problems(error, Settings)
    else:
        if not found:
            return settings
    raise problems.SettingsError(problems.report(found))


def _half_characters(value: Any, path: problems.Path = ()) -> Iterator[problems.Path]:
    """Yield the path of each text that is no Unicode: JSON can spell half of a surrogate pair."""
    if isinstance(value, str) and not value.isascii() and re.search("[\ud800-\udfff]", value):
        yield path
    if isinstance(value, dict):
        yield from (path for key in value for _ in _half_characters(key))
        for key, inner in value.items():
            yield from _half_characters(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _half_characters(inner, (*path, index))


def _context(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the validation context of single fields: names that are known before validation."""
    meshes, trust = raw.get("meshes"), raw.get("trust")
    return {
        "meshes": list(meshes) if isinstance(meshes, dict) else [],
        "peers": bool(raw.get("peers")),
        "issues": isinstance(trust, dict) and bool(trust.get("issues")),
    }


def _typed_parts(raw: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with each valid part converted to its type, and all other parts unchanged."""

    def typed(kind: Any, value: Any) -> Any:
        try:
            return TypeAdapter(kind).validate_python(value, context=context)
        except ValidationError:
            return value  # Settings names the mistake

    result = dict(raw)
    if isinstance(meshes := raw.get("meshes"), dict):
        result["meshes"] = {name: typed(MeshSettings, mesh) for name, mesh in meshes.items()}
    if isinstance(services := raw.get("services"), list):
        result["services"] = [typed(ServiceSettings, service) for service in services]
    kinds = {"topology": Topology, "istio": IstioSettings, "trust": TrustSettings, "ingress": IngressSettings}
    for key, kind in kinds.items():
        if key in raw:
            result[key] = typed(kind, raw[key])
    return result


def _configured() -> dict[str, Any]:
    """Return every key in the project's namespace, with JSON values parsed."""
    prefix = f"{pulumi.get_project()}:"
    stored = pulumi.runtime.config.CONFIG.get() or pulumi.runtime.get_config_env()
    raw: dict[str, Any] = {}
    for key, value in stored.items():
        if key.startswith(prefix):
            name = key.removeprefix(prefix)
            raw[name] = value if name in ("suffix", "sample_image") else _parsed(value)
    return raw


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):  # ValueError: also a number of too many digits
        return value
