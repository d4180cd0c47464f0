"""What differs between two versions of an object, and which differences require replacing it."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

Path = tuple[str | int, ...]


class Change(Enum):
    """How a property differs."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


_ABSENT: Any = object()

_POD_UPDATABLE = (("spec", "activeDeadlineSeconds"), ("spec", "tolerations"))
_SELECTOR = (("spec", "selector"),)

_IMMUTABLE: dict[tuple[str, str], tuple[Path, ...]] = {
    ("apps", "DaemonSet"): _SELECTOR,
    ("apps", "Deployment"): _SELECTOR,
    ("apps", "StatefulSet"): (
        *_SELECTOR,
        ("spec", "podManagementPolicy"),
        ("spec", "revisionHistoryLimit"),
        ("spec", "serviceName"),
        ("spec", "volumeClaimTemplates"),
    ),
    ("batch", "Job"): (*_SELECTOR, ("spec", "completions"), ("spec", "parallelism"), ("spec", "template")),
    ("", "ConfigMap"): (("data",), ("binaryData",)),
    ("", "Secret"): (("type",), ("data",), ("stringData",)),
    ("", "Service"): (("spec", "clusterIP"),),
    ("", "Pod"): (("spec",),),
    ("", "PersistentVolumeClaim"): (("spec",),),
    ("", "ResourceQuota"): (("spec", "scopes"),),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): (("roleRef",),),
    ("rbac.authorization.k8s.io", "RoleBinding"): (("roleRef",),),
    ("storage.k8s.io", "StorageClass"): (("parameters",), ("provisioner",)),
}
_IDENTITY: tuple[Path, ...] = (("metadata", "name"), ("metadata", "namespace"), ("kind",))


@dataclass(frozen=True)
class Mutable:
    """Which kinds the provider was told to change in place although it would otherwise replace them."""

    config_maps: bool = False
    secrets: bool = False


def differences(old: Any, new: Any, path: Path = ()) -> dict[Path, Change]:
    """Return the paths at which `new` differs from `old`, as deep as both have maps or lists there."""
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = {key: (old.get(key, _ABSENT), new.get(key, _ABSENT)) for key in old | new}
    elif isinstance(old, list) and isinstance(new, list):
        longest = max(len(old), len(new))
        pairs = {
            index: (old[index] if index < len(old) else _ABSENT, new[index] if index < len(new) else _ABSENT)
            for index in range(longest)
        }
    elif old is _ABSENT:
        return {path: Change.ADD}
    elif new is _ABSENT:
        return {path: Change.DELETE}
    elif old == new and isinstance(old, bool) == isinstance(new, bool):
        return {}
    else:
        return {path: Change.UPDATE}
    return {where: change for key, (a, b) in pairs.items() for where, change in differences(a, b, (*path, key)).items()}


def moved(inputs: Any, before: Any, now: Any) -> Any:
    """Return the inputs with those fields set to their live value whose live value changed between two readings.

    The two readings are of the same object. A field that the server keeps in another form than it was given in (a
    quantity, a default) has not changed, so it keeps the form of the inputs; fields that are no inputs are left out.
    """
    if isinstance(inputs, dict) and isinstance(before, dict) and isinstance(now, dict):
        kept = {}
        for key, value in inputs.items():
            if key in now or key not in before:
                kept[key] = moved(value, before.get(key, _ABSENT), now.get(key, _ABSENT))
        return kept
    lists = all(isinstance(value, list) for value in (inputs, before, now))
    if lists and len(inputs) == len(before) == len(now):
        return [moved(*items) for items in zip(inputs, before, now, strict=True)]
    return inputs if before == now else now


def needs_replacement(path: Path, group: str, kind: str, mutable: Mutable) -> bool:
    """Return whether a change at this path of an object of this kind can only be made by replacing the object."""
    if kind == "Secret" and mutable.secrets and path[0] in ("data", "stringData"):
        return False
    if kind == "ConfigMap" and mutable.config_maps:
        return _related(path, _IDENTITY)
    if (group, kind) == ("", "Pod") and path[:2] in _POD_UPDATABLE:
        return False
    return _related(path, _IDENTITY + _IMMUTABLE.get((group, kind), ()))


def _related(path: Path, immutable: tuple[Path, ...]) -> bool:
    """A change inside an immutable field, or of a whole that contains one."""
    return any(path[: len(field)] == field[: len(path)] for field in immutable)


def dotted(path: Path) -> str:
    """Write a path as Pulumi does: spec.ports[0].port, metadata.annotations["example.com/key"]."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif any(character in part for character in '."[]'):
            escaped = part.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{part}" if text else part
    return text
