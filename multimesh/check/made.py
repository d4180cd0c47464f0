"""The Kubernetes objects that a stack made, as its state has them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from multimesh.stack import OutputsError

_PROVIDER = re.compile(r"\bpulumi:providers:kubernetes::(.+)-kubernetes::")
_LAB_CLUSTER = "pulumi-python:dynamic/multimesh:LabCluster"
_SERVICE_OBJECTS = "pulumi-python:dynamic/multimesh:ServiceObjects"
_SECRET = "Secret"  # noqa: S105  a kind; what is in one is encrypted in the state
ISTIO = ("networking.istio.io/v1", "networking.istio.io/v1alpha3", "security.istio.io/v1")


@dataclass(frozen=True, order=True)
class Key:
    """What an object is called in a cluster."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}".replace(" /", " ")


@dataclass(frozen=True)
class Made:
    """What a stack made, and what its last update left open."""

    objects: Mapping[str, Mapping[Key, Mapping[str, Any]]]
    """By mesh: each object that is not a Secret, as it was asked for (`spec` and so on)."""
    pending: list[str]
    """The operations that were under way when an update was killed: `creating urn:...`."""
    stack: str = ""
    """`<project>/<stack>`; empty without resources."""
    labs: Mapping[str, str] = field(default_factory=dict)
    """The names of its clusters on this machine, by the lab's id."""


def made(text: str) -> Made:
    """Return what a stack made, by what `pulumi stack export` prints. Raise OutputsError for any other text."""
    try:
        deployment = json.loads(text)["deployment"]
        objects: dict[str, dict[Key, Mapping[str, Any]]] = {}
        resources = deployment.get("resources") or []
        for resource in resources:
            mesh, found = _objects(resource)
            objects.setdefault(mesh, {}).update(found)
        labs = {one["id"]: one["inputs"]["name"] for one in resources if one["type"] == _LAB_CLUSTER and "id" in one}
        names = [one["urn"].split("::")[:2] for one in resources if "urn" in one][:1]
        pending = [f"{one['type']} {one['resource']['urn']}" for one in deployment.get("pending_operations") or []]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise OutputsError(f"not a state of Pulumi: {error!r}") from None
    stack = "".join(f"{project}/{stack.removeprefix('urn:pulumi:')}" for stack, project in names)
    return Made(objects, pending, stack, labs)


def _objects(resource: Mapping[str, Any]) -> tuple[str, dict[Key, Mapping[str, Any]]]:
    """Return the mesh and the objects of one resource of the state; none if it is about something else."""
    inputs = resource.get("inputs") or {}
    if resource["type"] == _SERVICE_OBJECTS:
        objects: dict[Key, Mapping[str, Any]] = {
            _parse(key): {"spec": json.loads(text)} for key, text in inputs["objects"].items()
        }
        return inputs["mesh"], objects
    found = _PROVIDER.search(resource.get("provider", ""))
    kind, name = inputs.get("kind"), (inputs.get("metadata") or {}).get("name")
    if not found or not kind or not name or kind == _SECRET or not resource.get("custom"):
        return "", {}
    return found[1], {Key(kind, inputs["metadata"].get("namespace", ""), name): inputs}


def _parse(text: str) -> Key:
    kind, _, rest = text.partition(" ")
    return Key(kind, *rest.split("/"))
