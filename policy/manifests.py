"""The Kubernetes objects in a resource's inputs: its own, those of a patch, and those inside Helm values."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml
from inputs import plain
from pulumi_policy import ResourceValidationArgs

_TELLING = ("kind", "hosts", "hostname", "AUTO_PASSTHROUGH", "mtls", "rules", "portLevelMtls")
"""Words without which a text is not parsed: most texts are long, and no manifest."""


_OF_SERVICES = "pulumi-python:dynamic/multimesh:ServiceObjects"
"""multimesh's own resource, whose `objects` are specs, as JSON, by `<kind> <namespace>/<name>`."""


class Found(NamedTuple):
    """An object: where it stands in the inputs ("" if it is the resource), its API group and kind, and what it says."""

    path: str
    group: str
    kind: str
    spec: Mapping[str, Any]


def objects(args: ResourceValidationArgs) -> Iterator[Found]:
    """Return every object with a `spec` in the inputs of a resource that makes Kubernetes objects."""
    if not makes_objects(args.resource_type):
        return
    props = plain(args.props)
    if args.resource_type == _OF_SERVICES:
        named = props.get("objects") or {}
        for path, spec in mappings(named):
            if path in named:  # and not a part of one
                yield Found(f"objects.{path}: ", "", path.partition(" ")[0], spec)
        return
    group, _, kind = args.resource_type.rpartition(":")
    api, kind = group.removeprefix("kubernetes:").partition("/")[0], kind.removesuffix("Patch")
    if isinstance(props.get("spec"), Mapping):
        yield Found("", api, kind, props["spec"])
    for path, value in mappings({key: inner for key, inner in props.items() if key != "spec"}):
        if isinstance(value.get("kind"), str) and isinstance(value.get("spec"), Mapping):
            yield Found(f"{path}.", str(value.get("apiVersion")).partition("/")[0], value["kind"], value["spec"])


def makes_objects(resource_type: str) -> bool:
    """Return whether a resource makes Kubernetes objects: of Pulumi's Kubernetes provider, or multimesh's own."""
    return resource_type.startswith("kubernetes:") or resource_type == _OF_SERVICES


def mappings(value: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return every mapping inside a value, and those that stand as YAML in its texts, each with its path."""
    if isinstance(value, Mapping):
        if path:
            yield path, value
        for key, inner in value.items():
            yield from mappings(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from mappings(inner, f"{path}[{index}]")
    elif isinstance(value, str) and any(word in value for word in _TELLING):
        try:
            documents = list(yaml.safe_load_all(value))
        except yaml.YAMLError:  # a template, or no YAML at all
            return
        for document in documents:
            if not isinstance(document, str):
                yield from mappings(document, path)
