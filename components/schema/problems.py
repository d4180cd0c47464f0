"""Mistakes in a configuration, one line each: path, value, what it must be."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pulumi
from pydantic import BaseModel, ValidationError

Path = Sequence[str | int]

ABSENT = object()
"""The value of a missing key."""
_TYPES = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_attributes_type": "a mapping",
    "model_type": "a mapping",
    "string_type": "text",
}


class SettingsError(pulumi.RunError):
    """The stack's configuration is wrong; the message lists every mistake: path, value, what it must be."""


def problem(path: Path, value: Any, message: str) -> str:
    """Return a line such as `multimesh:services[0].port: 0: must be a port number from 1 to 65535`."""
    return f"multimesh:{_dotted(path)}: {_shown(value)}{message}"


def report(found: Iterable[str]) -> str:
    """Return the message that lists all mistakes."""
    lines = sorted(set(found))
    count = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    return "\n".join([f"the stack's configuration has {count}; nothing was changed:", *(f"  {line}" for line in lines)])


def problems(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return the mistakes that pydantic found in a `model`."""
    return [_line(dict(details), model) for details in error.errors(include_url=False)]


def _line(details: dict[str, Any], model: type[BaseModel]) -> str:
    path, owner, annotation = _located(details["loc"], model)
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return problem(path, ABSENT, _unknown_key(str(path[-1]), sorted(owner.model_fields)))
    if kind == "missing":
        return problem(path, ABSENT, "is missing")
    if kind == "union_tag_not_found":
        return problem((*path, "kind"), ABSENT, f"is missing; allowed: {', '.join(map(repr, _kinds(annotation)))}")
    if kind == "union_tag_invalid":
        return problem((*path, "kind"), context["tag"], f"allowed: {context['expected_tags']}")
    if kind == "literal_error":
        return problem(path, value, f"allowed: {context['expected']}")
    if kind == "value_error":
        message = str(context["error"])
        return problem(path, ABSENT if message.startswith("is missing") else value, message)
    return problem(path, value, f"must be {_TYPES[kind]}{_example(kind, value)}" if kind in _TYPES else details["msg"])


def _unknown_key(key: str, allowed: Sequence[str]) -> str:
    meant = get_close_matches(key, allowed, n=1, cutoff=0.75)
    return f"unknown key; did you mean {meant[0]}?" if meant else f"unknown key; allowed: {', '.join(allowed)}"


def _example(kind: str, value: Any) -> str:
    """Return how to write one text as a list; empty for anything else."""
    return f", such as [{value}]" if kind == "list_type" and isinstance(value, str) and _shown(value) else ""


def _located(location: Path, model: type[BaseModel]) -> tuple[list[str | int], type[BaseModel], Any]:
    """Return (the location without union tags and `[key]`, which are not keys; the innermost model; the type there)."""
    path: list[str | int] = []
    annotation: Any = model
    for step in location:
        if step == "[key]":
            continue
        annotation, is_key = _inner(annotation, step)
        annotation = _given(annotation)
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


def _given(annotation: Any) -> Any:
    """Return what an optional value is if it is given."""
    arguments = [argument for argument in get_args(annotation) if argument is not type(None)]
    optional = get_origin(annotation) in (Union, UnionType) and len(arguments) == 1
    return arguments[0] if optional else annotation


def _kinds(annotation: Any) -> dict[str, type[BaseModel]]:
    """Return the models of a union by their `kind`."""
    models = [argument for argument in get_args(annotation) if hasattr(argument, "model_fields")]
    tagged = [model for model in models if "kind" in model.model_fields]
    return {kind: model for model in tagged for kind in get_args(model.model_fields["kind"].annotation)}


def _dotted(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _shown(value: Any) -> str:
    """Return a scalar as text; omit a value that may hold a secret (a text of several lines, a mapping)."""
    if value is None:
        return "null: "
    if (
        value is ABSENT
        or isinstance(value, (dict, list))
        or (isinstance(value, str) and ("\n" in value or "{" in value))
    ):
        return ""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return f"{text[:70]}...: " if len(text) > 80 else f"{text}: "
