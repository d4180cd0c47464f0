"""Reading a stack's configuration: every mistake in it is reported at once."""

import json
from typing import Any

import pulumi
from pydantic import TypeAdapter, ValidationError

from components.mesh.topology import Topology
from components.schema import problems
from components.settings import cross_checks, single_mesh
from components.settings.parts import Parts
from components.settings.service import ServiceSettings
from components.settings.stack import MeshSettings, Settings
from components.trust.settings import TrustSettings


def read() -> Settings:
    """Return the stack's configuration. Raises SettingsError naming every mistake."""
    return validate(_configured())


def validate(raw: dict[str, Any]) -> Settings:
    """Return a whole configuration, checked. Raises SettingsError naming every mistake.

    Each part is validated by itself first, once: so parts that are valid are checked against each other even where
    others are not.
    """
    context = _context(raw)
    typed = _typed_parts(raw, context)
    parts = Parts.valid(typed, context["meshes"])
    found = cross_checks.clashes(parts) + cross_checks.sample_mistakes(parts) + single_mesh.contradictions(parts)
    try:
        settings = Settings.model_validate(typed, context=context)
    except ValidationError as error:
        found += problems.problems(error, Settings)
    else:
        if not found:
            return settings
    raise problems.SettingsError(problems.report(found))


def _context(raw: dict[str, Any]) -> dict[str, Any]:
    """Return what single fields are validated against: names that are known before anything is valid."""
    meshes, trust = raw.get("meshes"), raw.get("trust")
    return {
        "meshes": list(meshes) if isinstance(meshes, dict) else [],
        "peers": bool(raw.get("peers")),
        "issues": isinstance(trust, dict) and bool(trust.get("issues")),
    }


def _typed_parts(raw: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with every part that is valid by itself in its type, and all else as it was."""

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
    for key, kind in (("topology", Topology), ("trust", TrustSettings)):
        if key in raw:
            result[key] = typed(kind, raw[key])
    return result


def _configured() -> dict[str, Any]:
    """Return every key in the project's namespace; a value that is JSON is parsed."""
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
    except json.JSONDecodeError:
        return value
