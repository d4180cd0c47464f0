"""All Istio objects of exported services in one mesh, as one resource: their number must not decide how long it takes.

The engine writes the whole state before and after each resource, so a resource per object takes the square of their
number. Pulumi calls the provider's methods in another process, which finds this module by its name.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import dynamic

from components import istio
from components.clusters.connection import connected
from components.clusters.kubeconfig import KubeconfigError
from components.federation import cluster_objects
from components.federation.cluster_objects import Key, RefusedError, SilentError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_DELETE_UNREACHABLE = "PULUMI_K8S_DELETE_UNREACHABLE"
_SKIP_UNREACHABLE = "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"
"""As pulumi-kubernetes calls them, so that one setting is for everything in a cluster."""


class UnreachableError(Exception):
    """A cluster's API server does not answer, or its kubeconfig cannot be used; the message says why."""


class ServiceObjectsProvider(dynamic.ResourceProvider):
    """Makes the cluster's objects those of the inputs. Its outputs have a digest of each in place of the object."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Create the objects; the resource's id is the mesh. Raise RefusedError, UnreachableError."""
        return dynamic.CreateResult(props["mesh"], _converged(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Change what differs. Raise RefusedError, UnreachableError."""
        return dynamic.UpdateResult(_converged(_news))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Compare the cluster's objects, as they were last seen, with the inputs."""
        same = all(_olds.get(key) == _news[key] for key in ("kubeconfig", "skip_unreachable"))
        objects = _news["objects"]
        return dynamic.DiffResult(changes=not same or not _is_known(objects) or _olds["digests"] != _digests(objects))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Look at the objects in the cluster. Raise RefusedError, UnreachableError."""
        try:
            with _reached(props) as api:
                found = cluster_objects.live(api)
        except UnreachableError as error:
            if props["skip_unreachable"] or _is_set(_SKIP_UNREACHABLE):
                return dynamic.ReadResult(id_, props)
            raise UnreachableError(f"{error}. {_hint()}") from error
        digests = {str(key): _digest(live.spec) for key, live in sorted(found.items())}
        return dynamic.ReadResult(id_, {**props, "digests": digests})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete the objects. Raise RefusedError, UnreachableError."""
        try:
            with _reached(_props) as api:
                cluster_objects.converge(api, {}, _report)
        except UnreachableError as error:
            if not _is_set(_DELETE_UNREACHABLE):
                raise UnreachableError(f"{error}. {_hint()}") from error


def _converged(props: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {Key.parse(key): json.loads(text) for key, text in props["objects"].items()}
    with _reached(props) as api:
        cluster_objects.converge(api, wanted, _report)
    kept = {key: props[key] for key in ("mesh", "kubeconfig", "skip_unreachable")}
    return {**kept, "digests": _digests(props["objects"])}


@contextmanager
def _reached(props: Mapping[str, Any]) -> "Iterator[ApiClient]":
    from urllib3.exceptions import HTTPError

    try:
        with connected(props["kubeconfig"]) as api:
            yield api
    except (KubeconfigError, SilentError, HTTPError, OSError) as error:
        raise UnreachableError(f"mesh {props['mesh']}: its cluster cannot be reached: {error}") from error
    except RefusedError as error:
        raise RefusedError(f"mesh {props['mesh']}: {error}") from error


def _digests(objects: Mapping[str, str]) -> dict[str, str]:
    return {key: _digest(json.loads(objects[key])) for key in sorted(objects)}


def _digest(spec: Any) -> str:
    return hashlib.sha256(as_text(spec).encode()).hexdigest()[:16]


def as_text(spec: istio.Spec) -> str:
    """Return a spec as JSON; the same text for the same spec."""
    return json.dumps(spec, sort_keys=True, separators=(",", ":"))


def _is_known(objects: Any) -> bool:
    return isinstance(objects, dict) and all(isinstance(text, str) for text in objects.values())


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").lower() == "true"


def _hint() -> str:
    return f"If it is gone for good, set {_DELETE_UNREACHABLE}=true"


def _report(line: str) -> None:
    print(line, flush=True)


class ServiceObjects(dynamic.Resource, module="multimesh", name="ServiceObjects"):
    """The Istio objects of all exported services in one mesh.

    `objects` are specs as JSON, by `<kind> <namespace>/<name>`; text, as the SDK takes long for nested values.
    """

    def __init__(
        self,
        resource_name: str,
        mesh: str,
        kubeconfig: pulumi.Input[str],
        objects: pulumi.Input[Mapping[str, str]],
        *,
        skip_unreachable: bool,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__(
            ServiceObjectsProvider(),
            resource_name,
            {"mesh": mesh, "kubeconfig": kubeconfig, "objects": objects, "skip_unreachable": skip_unreachable},
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"])),
        )
