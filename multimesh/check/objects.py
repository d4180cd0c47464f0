"""Checks of drift: each Kubernetes object that the stack made, compared with what is there, field by field."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from multimesh.check.cluster import Cluster, Object
from multimesh.check.federation import Federation
from multimesh.check.made import ISTIO, Key
from multimesh.check.result import Check, Problem

_UP = "`pulumi up --refresh` makes it as it was"
_LONGEST = 100


def _made(federation: Federation) -> Iterable[Problem]:
    for mesh, cluster in federation.clusters.items():
        for key, wanted in sorted(federation.made.objects.get(mesh, {}).items()):
            if key.kind not in cluster.objects or any(one.startswith(f"{key.kind} ") for one in cluster.refused):
                continue
            if (found := _find(cluster, key)) is None:
                yield Problem(mesh, f"{key} is gone", _UP)
            elif lines := list(differences(wanted, found)):
                yield Problem(mesh, f"{key} was changed: {'; '.join(lines)}", _UP)


def _find(cluster: Cluster, key: Key) -> Object | None:
    return cluster.one(key.kind, key.name, key.namespace)


def differences(wanted: Mapping[str, Any], found: Object) -> Iterator[str]:
    """Yield each field that is not as wanted: `spec.hosts[0] is "a", not "b"`.

    What is in `found` alone is a difference in Istio's objects only: API servers complete all others.
    """
    exactly = str(found.get("apiVersion", "")) in ISTIO or "apiVersion" not in wanted
    for name, value in wanted.items():
        if name in ("apiVersion", "kind", "__defaults"):
            continue
        if name == "metadata":
            for part in ("labels", "annotations"):
                there = found["metadata"].get(part) or {}
                yield from _different(f"metadata.{part}", value.get(part) or {}, there, exactly=False)
        else:
            yield from _different(name, value, found.get(name), exactly=exactly)


def _different(path: str, wanted: Any, found: Any, *, exactly: bool) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for name, value in wanted.items():
            if name != "__defaults":
                yield from _different(f"{path}.{name}", value, found.get(name), exactly=exactly)
        if exactly:
            for name in found.keys() - wanted.keys():
                yield f"{path}.{name} was added: {_text(found[name])}"
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _different(f"{path}[{index}]", one, other, exactly=exactly)
    elif wanted != found and not (found is None and not wanted):
        yield f"{path} is {_text(found)}, not {_text(wanted)}"


def _text(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


CHECKS = [Check("drift", "Objects", "every object is as the stack made it", _made)]
