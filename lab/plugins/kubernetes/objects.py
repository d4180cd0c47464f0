"""Kubernetes objects as Pulumi keeps them: their names, their annotations for Pulumi, their form in the state."""

import hashlib
import secrets
from base64 import b64decode, b64encode
from typing import Any

from lab.plugins.kubernetes.api import Object
from lab.plugins.protocol import provider_pb2
from lab.plugins.server import PluginError
from lab.plugins.values import UNKNOWN, Properties, Secret, conceal, has_secret, reveal

_INPUTS, _API_VERSION, _MANAGER = "__inputs", "__initialApiVersion", "__fieldManager"
_AUTONAMED = "pulumi.com/autonamed"
_READ_ONLY = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)

CLUSTER_SCOPED = {  # of the built-in kinds, for when no server can be asked
    "APIService",
    "CSIDriver",
    "CSINode",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "FlowSchema",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "RuntimeClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
}


_EXTENSIONS = {  # fields of JSON schemas, whose names Pulumi's typed resources write with underscores
    f"x_kubernetes_{name}": f"x-kubernetes-{name.replace('_', '-')}"
    for name in (
        "embedded_resource",
        "int_or_string",
        "list_map_keys",
        "list_type",
        "map_type",
        "preserve_unknown_fields",
        "validations",
    )
}
_FROM_API = {theirs: ours for ours, theirs in _EXTENSIONS.items()}


def with_data(inputs: Properties) -> Properties:
    """Return a Secret's inputs with `stringData` in `data`, in base64, as the API server keeps it; others as they are.

    A value that is not known yet stays unknown, and what is secret stays secret.
    """
    texts = inputs.get("stringData")
    if inputs.get("kind") != "Secret" or not isinstance(reveal(texts), dict):
        return inputs
    if not isinstance(reveal(inputs.get("data") or {}), dict):  # not known yet
        return inputs
    data = {**(reveal(inputs.get("data")) or {}), **{key: _in_base64(text) for key, text in reveal(texts).items()}}
    like = _secrets_of(inputs.get("data") or {}, texts)
    kept = {key: value for key, value in inputs.items() if key != "stringData"}
    return kept | {"data": conceal(data, like)}


def _in_base64(text: Any) -> Any:
    return text if text is UNKNOWN else b64encode(str(text).encode()).decode()


def for_api(value: Any) -> Any:
    """Return the value with field names as the API has them."""
    return _renamed(value, _EXTENSIONS)


def from_api(value: Any) -> Any:
    """Return the value with field names as Pulumi has them."""
    return _renamed(value, _FROM_API)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value


def token(urn: str) -> tuple[str, str]:
    """Return the apiVersion and kind that a resource's URN names."""
    _, module, kind = urn.split("::")[2].split("$")[-1].split(":")
    return module.removeprefix("core/"), kind


def group(api_version: str) -> str:
    """Return the API group, "" for the core group."""
    return api_version.rpartition("/")[0]


def annotation(inputs: Object, name: str) -> str:
    """Return the object's annotation pulumi.com/<name>, "" if it has none."""
    metadata = inputs.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    value = annotations.get(f"pulumi.com/{name}", "") if isinstance(annotations, dict) else ""
    return "" if value is UNKNOWN else value


def is_autonamed(inputs: Object) -> bool:
    """Return whether this plugin chose the object's name, so that a replacement gets another one."""
    return annotation(inputs, "autonamed") == "true"


def name_object(inputs: Object, old: Object, request: provider_pb2.CheckRequest) -> None:
    """Name an object that the program left unnamed: as before, or by its resource's name and a random suffix."""
    metadata = inputs.setdefault("metadata", {})
    if metadata is UNKNOWN or metadata.get("name"):
        return
    if metadata.get("generateName"):
        raise PluginError("the `.metadata.generateName` field is not supported in Server-Side Apply mode")
    before = old.get("metadata", {}).get("name")
    if before:
        autonamed = is_autonamed(old)
        metadata["name"] = before
    else:
        autonamed = True
        metadata["name"] = _name(request)
    annotations = metadata.setdefault("annotations", {})
    if autonamed and annotations is not UNKNOWN:
        annotations[_AUTONAMED] = "true"


def _name(request: provider_pb2.CheckRequest) -> str:
    modes = provider_pb2.CheckRequest.AutonamingOptions
    if request.HasField("autonaming"):
        if request.autonaming.mode == modes.DISABLE:
            raise PluginError("autonaming is disabled, resource requires the .metadata.name field to be set")
        return request.autonaming.proposed_name
    return f"{resource_name(request.urn)}-{suffix(request.randomSeed)}"


def resource_name(urn: str) -> str:
    """Return the name that the program gave the resource."""
    return urn.split("::")[3]


def suffix(seed: bytes = b"") -> str:
    """Return 8 hex digits: the same ones for the same seed, so that preview and update agree; random without one."""
    return hashlib.sha256(seed).hexdigest()[:8] if seed else secrets.token_hex(4)


def identifier(live: Object) -> str:
    """Return the resource's id: <namespace>/<name>, or <name>."""
    metadata = live["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else metadata["name"]


def split_identifier(identifier: str) -> tuple[str, str]:
    """Return namespace ("" if there is none) and name of a resource's id."""
    namespace, _, name = identifier.rpartition("/")
    return namespace, name


def checkpoint(inputs: Properties, live: Object, manager: str, api_version: str) -> Properties:
    """Return the state of an object: what it is, with secret what is so in its inputs, and what it was made from."""
    live = from_api(live)
    live["metadata"].pop("managedFields", None)
    like = dict(inputs)
    if live["kind"] == "Secret" and "stringData" in inputs:  # which the server keeps as data
        like["data"] = _secrets_of(inputs.get("data"), inputs["stringData"])
    kept = {_INPUTS: inputs, _API_VERSION: api_version, _MANAGER: manager}
    return {key: conceal(value, like.get(key)) for key, value in live.items()} | kept


def _secrets_of(data: Any, string_data: Any) -> Any:
    if isinstance(data, dict) and isinstance(string_data, dict):
        return data | string_data
    return Secret(None) if has_secret([data, string_data]) else None


def parse_checkpoint(state: Properties) -> tuple[Properties, Object, str]:
    """Return inputs (with secrets, if state has them so), live object and field manager of a state."""
    live = {key: value for key, value in state.items() if not key.startswith("__")}
    return state.get(_INPUTS, {}), live, state.get(_MANAGER, "")


def field_manager(inputs: Object) -> str:
    """Return a new name under which a resource owns the fields of its object: its own, so that no two share fields."""
    return annotation(inputs, "patchFieldManager") or f"pulumi-kubernetes-{suffix()}"


def as_inputs(live: Object) -> Object:
    """Return a live object as a program would have written it: without status and what only the server sets."""
    inputs = from_api({key: value for key, value in live.items() if key != "status"})
    for name in _READ_ONLY:
        inputs["metadata"].pop(name, None)
    return inputs


def with_string_data(live: Object) -> Object:
    """Return a Secret with its data as stringData too, as far as it is text, to compare it with inputs of that form."""
    if live.get("kind") != "Secret" or not isinstance(live.get("data"), dict):
        return live
    texts = {}
    for key, value in live["data"].items():
        try:
            texts[key] = b64decode(value).decode()
        except ValueError:
            continue
    return live | {"stringData": texts}
