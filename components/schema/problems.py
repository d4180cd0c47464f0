"""Mistakes of a configuration, each as one line: path, value, what is allowed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, get_args, get_origin

import pulumi
from pydantic import BaseModel, ValidationError

from components.schema import names

Path = Sequence[str | int]

ABSENT = object()
"""The value of a key that is not there."""
_WANTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_attributes_type": "a mapping",
    "model_type": "a mapping",
    "string_type": "text",
}


class SettingsError(pulumi.RunError):
    """The stack's configuration is wrong; the message lists every mistake with its path, value and what is allowed."""


def problem(path: Path, value: Any, message: str) -> str:
    """Return a line such as `multimesh:services[0].port: 0: a port number is wanted, from 1 to 65535`."""
    return f"multimesh:{_dotted(path)}: {_shown(value)}{message}"


def report(found: Iterable[str]) -> str:
    """Return the message that lists all mistakes."""
    lines = sorted(set(found))
    count = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    return "\n".join([f"the stack's configuration has {count}; nothing was changed:", *(f"  {line}" for line in lines)])


def of(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return the mistakes that pydantic found in a `model`."""
    return [_of_one(dict(details), model) for details in error.errors(include_url=False)]


def clashes(raw: dict[str, Any]) -> list[str]:
    """Return what is right by itself and wrong together: a service, ingress host or trust domain used twice."""
    services = [entry for entry in _list(raw.get("services")) if isinstance(entry, dict)]
    meshes = raw.get("meshes")
    meshes = meshes if isinstance(meshes, dict) else {}
    trust = raw.get("trust")
    issues = trust.get("issues") if isinstance(trust, dict) else None
    issues = issues if isinstance(issues, dict) else {}
    domains = {("meshes", name): _trust_domain(name, mesh) for name, mesh in meshes.items()}
    domains |= {("trust", "issues", name): _trust_domain(name, mesh) for name, mesh in issues.items()}
    found = [
        problem(("services",), f"{name}.{namespace}", "a service may be listed once")
        for (name, namespace) in _twice((str(entry.get("name")), str(entry.get("namespace"))) for entry in services)
    ]
    found += [
        problem(("services",), host, "an ingress host may belong to one service")
        for host in _twice(str(host) for entry in services for host in _list(entry.get("ingress_hosts")))
    ]
    found += [
        problem((*path, "trust_domain"), domain, "a trust domain may belong to one mesh")
        for domain in _twice(domains.values())
        for path in domains
        if domains[path] == domain
    ]
    found += [
        problem(("trust", "issues", name), ABSENT, "a mesh of this stack has its CA from it anyway")
        for name in issues
        if name in meshes
    ]
    return found


def sample_mistakes(raw: dict[str, Any], sample: dict[str, Any]) -> list[str]:
    """Return where a service that is the sample is described otherwise than it is made (`sample`: as in `services`)."""
    if raw.get("sample", True) is False:
        return []
    return [
        problem(
            ("services", index, key),
            entry.get(key, ABSENT),
            f"{'' if key in entry else 'is missing; '}the sample service has {sample[key]!r}",
        )
        for index, entry in enumerate(_list(raw.get("services")))
        if isinstance(entry, dict)
        and (entry.get("name"), entry.get("namespace")) == (sample["name"], sample["namespace"])
        for key in ("port", "service_account")
        if entry.get(key, ABSENT) != sample[key]
    ]


def _of_one(details: dict[str, Any], model: type[BaseModel]) -> str:
    path, owner, annotation = _located(details["loc"], model)
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return problem(path, ABSENT, f"unknown key; allowed: {', '.join(sorted(owner.model_fields))}")
    if kind == "missing":
        return problem(path, ABSENT, "is missing")
    if kind == "union_tag_not_found":
        return problem((*path, "kind"), ABSENT, f"is missing; allowed: {', '.join(map(repr, _kinds(annotation)))}")
    if kind == "union_tag_invalid":
        return problem((*path, "kind"), context["tag"], f"allowed: {context['expected_tags']}")
    if kind == "literal_error":
        return problem(path, value, f"allowed: {context['expected']}")
    if kind == "value_error":
        return problem(path, value, str(context["error"]))
    return problem(path, value, f"{_WANTED.get(kind, details['msg'])} is wanted")


def _located(location: Path, model: type[BaseModel]) -> tuple[list[str | int], type[BaseModel], Any]:
    """Return (the location without what is no key: union tags, `[key]`; the innermost model; the type there)."""
    path: list[str | int] = []
    annotation: Any = model
    for step in location:
        if step == "[key]":
            continue
        annotation, is_key = _inner(annotation, step)
        if is_key:
            path.append(step)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return path, model, annotation


def _inner(annotation: Any, step: str | int) -> tuple[Any, bool]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(step))
        return (field.annotation if field else None), True
    arguments = [argument for argument in get_args(annotation) if argument is not type(None)]
    if get_origin(annotation) in (dict, list):
        return arguments[-1], True
    if step in (kinds := _kinds(annotation)):
        return kinds[str(step)], False
    models = [argument for argument in arguments if isinstance(argument, type) and issubclass(argument, BaseModel)]
    return _inner(models[0], step) if models else (None, True)


def _kinds(annotation: Any) -> dict[str, type[BaseModel]]:
    """Return the models of a union that `kind` tells apart."""
    models = [argument for argument in get_args(annotation) if hasattr(argument, "model_fields")]
    tagged = [model for model in models if "kind" in model.model_fields]
    return {kind: model for model in tagged for kind in get_args(model.model_fields["kind"].annotation)}


def _dotted(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _shown(value: Any) -> str:
    """Show a scalar; what may hold a secret (a text of several lines, a mapping) is left out."""
    if value is None:
        return "null: "
    if (
        value is ABSENT
        or isinstance(value, (dict, list))
        or (isinstance(value, str) and ("\n" in value or "{" in value))
    ):
        return ""
    text = repr(value)
    return f"{text[:70]}...: " if len(text) > 80 else f"{text}: "


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _trust_domain(name: str, mesh: Any) -> str:
    given = mesh.get("trust_domain") if isinstance(mesh, dict) else None
    return given if isinstance(given, str) else names.default_trust_domain(name)


def _twice(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]
