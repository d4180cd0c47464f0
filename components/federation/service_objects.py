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
from pulumi.runtime.rpc import UNKNOWN

from components import istio
from components.clusters.connection import connected
from components.clusters.kubeconfig import KubeconfigError
from components.dynamic_errors import without_tracebacks
from components.federation import cluster_objects
from components.federation.cluster_objects import Key, RefusedError, SilentError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_DELETE_UNREACHABLE = "PULUMI_K8S_DELETE_UNREACHABLE"
_SKIP_UNREACHABLE = "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"
"""As pulumi-kubernetes calls them, so that one setting is for everything in a cluster."""
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False)
"""A spec is a tree; to look for a circle in it takes a quarter of the time."""


class UnreachableError(Exception):
    """A cluster's API server does not answer, or its kubeconfig cannot be used; the message says why."""


@without_tracebacks
class ServiceObjectsProvider(dynamic.ResourceProvider):
    """Makes the cluster's objects those of the inputs. Its outputs have a digest of each in place of the object."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Create the objects, or none; the resource's id is the mesh. Raise RefusedError, UnreachableError."""
        try:
            return dynamic.CreateResult(props["mesh"], _converged(props))
        except RefusedError:
            # No state would know of those that were not refused.
            with _reached(props) as api:
                cluster_objects.converge(api, {}, _report)
            raise

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Change what differs. Raise RefusedError, UnreachableError."""
        return dynamic.UpdateResult(_converged(_news))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Compare the inputs with the state, and if that shows no change, with the objects in the cluster.

        An update that failed half-way has changed some of them. Where the state shows a change, they are not asked
        for: the update lists them all, once. Another cluster replaces the resource: the objects of the former one are
        deleted.
        """
        if _olds["cluster"] != _news["cluster"]:
            return dynamic.DiffResult(changes=True, replaces=["cluster"], delete_before_replace=True)
        same = all(_olds[key] == _news[key] for key in ("kubeconfig", "skip_unreachable"))
        objects = _news["objects"]
        if not same or not isinstance(objects, dict) or UNKNOWN in objects.values():
            return dynamic.DiffResult(changes=True)
        wanted = _digests(objects)
        if _olds["digests"] != wanted:
            return dynamic.DiffResult(changes=True)
        try:
            return dynamic.DiffResult(changes=_seen(_olds) != wanted)
        except (RefusedError, UnreachableError):
            return dynamic.DiffResult(changes=False)

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Look at the objects in the cluster. Raise RefusedError, UnreachableError."""
        try:
            return dynamic.ReadResult(id_, {**props, "digests": _seen(props)})
        except UnreachableError as error:
            if props["skip_unreachable"] or _is_set(_SKIP_UNREACHABLE):
                return dynamic.ReadResult(id_, props)
            if _is_set(_DELETE_UNREACHABLE):
                return dynamic.ReadResult("", {})
            way_out = f"set {_SKIP_UNREACHABLE}=true; if it is gone for good, {_DELETE_UNREACHABLE}=true"
            raise UnreachableError(f"{error}. If it comes back, {way_out}") from None

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete the objects. Raise RefusedError, UnreachableError."""
        try:
            with _reached(_props) as api:
                cluster_objects.converge(api, {}, _report)
        except UnreachableError as error:
            if not _is_set(_DELETE_UNREACHABLE):
                raise UnreachableError(f"{error}. If it is gone for good, set {_DELETE_UNREACHABLE}=true") from None


def _converged(props: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {Key.parse(key): json.loads(text) for key, text in props["objects"].items()}
    with _reached(props) as api:
        cluster_objects.converge(api, wanted, _report)
    kept = {key: props[key] for key in ("mesh", "cluster", "kubeconfig", "skip_unreachable")}
    return {**kept, "digests": _digests(props["objects"])}


@contextmanager
def _reached(props: Mapping[str, Any]) -> "Iterator[ApiClient]":
    from urllib3.exceptions import HTTPError

    try:
        with connected(props["kubeconfig"]) as api:
            yield api
    except (KubeconfigError, SilentError, HTTPError, OSError) as error:
        raise UnreachableError(f"mesh {props['mesh']}: its cluster cannot be reached: {error}") from None
    except RefusedError as error:
        raise RefusedError(f"mesh {props['mesh']}: {error}") from None


def _seen(props: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests of the objects in the cluster."""
    with _reached(props) as api:
        found = cluster_objects.live(api)
    return _digests({str(key): as_text(live.spec) for key, live in found.items()})


def _digests(objects: Mapping[str, str]) -> dict[str, str]:
    return {key: hashlib.sha256(objects[key].encode()).hexdigest()[:16] for key in sorted(objects)}


def as_text(spec: istio.Spec) -> str:
    """Return a spec as JSON; the same text for the same spec."""
    return _JSON.encode(spec)


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").lower() == "true"


def _report(line: str) -> None:
    print(line, flush=True)


class ServiceObjects(dynamic.Resource, module="multimesh", name="ServiceObjects"):
    """The Istio objects of all exported services in one mesh.

    `cluster` is what stays the same as long as it is the same cluster. `objects` are specs as JSON, by
    `<kind> <namespace>/<name>`; text, as the SDK takes long for nested values.
    """

    def __init__(
        self,
        resource_name: str,
        mesh: str,
        cluster: pulumi.Input[str],
        kubeconfig: pulumi.Input[str],
        objects: pulumi.Input[Mapping[str, str]],
        *,
        skip_unreachable: bool,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__(
            ServiceObjectsProvider(),
            resource_name,
            {
                "mesh": mesh,
                "cluster": cluster,
                "kubeconfig": kubeconfig,
                "objects": objects,
                "skip_unreachable": skip_unreachable,
            },
            # Deleting the resource deletes all that is the program's, so it must not follow the creation of another.
            pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"], delete_before_replace=True),
            ),
        )
