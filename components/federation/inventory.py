"""What is in a mesh's cluster and matters to exported services, read once by one connection."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pulumi

from components.clusters.cluster import Cluster
from components.clusters.connection import connected
from components.clusters.kubeconfig import KubeconfigError
from components.federation import policies as policy_kinds
from components.federation import rules as rule_kinds
from components.federation.cluster_objects import LABELS, is_own
from components.federation.pods import Pod, pod
from components.federation.policies import Policy, policy
from components.federation.rules import rule
from components.istio import NAMESPACE
from components.objects import POD_SECURITY
from multimesh import gateway_api
from multimesh.rules import Rule

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_SECONDS = 20
_JSON = "application/json"
_METADATA = f"{_JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{_JSON}"
"""https://kubernetes.io/docs/reference/using-api/api-concepts/"""
_NOT_OWN = quote(",".join(f"{name}!={value}" for name, value in LABELS.items()))
_EXPORT_TO = "networking.istio.io/exportTo"
_LOGIN = ["BearerToken"]
"""What the Kubernetes client calls the kubeconfig's credentials."""

Name = tuple[str, str]
"""A namespace and a name in it."""


class UnreadableClusterError(pulumi.RunError):
    """A cluster does not tell what is in it; the message says why."""


class SilentClusterError(UnreadableClusterError):
    """A cluster does not answer; it may at another time."""


@dataclass(frozen=True)
class Inventory:
    """What is in one cluster: the exported Services and what stands behind them, as the API server has it."""

    services: Mapping[Name, Mapping[str, Any]] = field(default_factory=dict)
    """The specs of Services."""
    slices: Mapping[Name, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """The EndpointSlices of each Service."""
    pods: Mapping[Name, Pod] = field(default_factory=dict)
    rules: Sequence[Rule] = ()
    """What decides about names, in all namespaces."""
    policies: Sequence[Policy] = ()
    """What decides whom sidecars admit and what they see, in all namespaces."""
    visible: Mapping[Name, str] = field(default_factory=dict)
    """To which namespaces Services are visible, where they say so by annotation."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """The Pod Security levels that namespaces enforce, where they do."""


def inventory(
    mesh: str, cluster: Cluster, namespaces: Iterable[str], root: str = NAMESPACE
) -> "pulumi.Output[Inventory | None]":
    """Return what is in a cluster's `namespaces`, once the cluster is there; None if it does not answer.

    Istio objects of the namespace `root` hold for the whole mesh.
    Fails with UnreadableClusterError if it refuses.
    """

    async def found(known: Mapping[str, Any]) -> Inventory | None:
        try:
            return await asyncio.to_thread(read, known["kubeconfig"], namespaces, root)
        except SilentClusterError as error:
            then = (
                "what its services need is assumed until `pulumi up` asks it"
                if pulumi.runtime.is_dry_run()
                else "what services have in it stays as it is"
            )
            pulumi.log.warn(f"mesh {mesh}: {error}; {then}")
            return None
        except UnreadableClusterError as error:
            raise UnreadableClusterError(f"mesh {mesh}: {error}") from error

    # The provider waits until the API server answers.
    known = pulumi.Output.all(kubeconfig=cluster.kubeconfig, provider=cluster.provider.id)
    return pulumi.Output.unsecret(known.apply(found))


def read(kubeconfig: str, namespaces: Iterable[str], root: str = NAMESPACE) -> Inventory:
    """Return what is in these namespaces, and the rules of all. Raise UnreadableClusterError if it cannot be read."""
    from urllib3.exceptions import HTTPError

    try:
        with connected(kubeconfig) as api:
            return _read(lambda path, accept=_JSON: answer(api, path, accept), sorted(set(namespaces)), root)
    except KubeconfigError as error:
        raise UnreadableClusterError(f"its kubeconfig {error}") from error
    except (HTTPError, OSError) as error:
        raise SilentClusterError(f"its API server does not answer: {type(error).__name__}") from error


def _read(ask: "Callable[..., dict[str, Any] | None]", namespaces: Sequence[str], root: str) -> Inventory:
    def items(path: str, accept: str = _JSON) -> list[dict[str, Any]]:
        return (ask(path, accept) or {}).get("items") or []

    def of_others(kind: str, path: str) -> list[dict[str, Any]]:
        """Return what may not be the program's own, of which there may be thousands: only their metadata is read."""
        found = [one["metadata"] for one in items(path, _METADATA)]
        if not (foreign := [one for one in found if not is_own(kind, one)]):
            return []
        labelled = any(LABELS.items() <= (one.get("labels") or {}).items() for one in foreign)
        return items(path if labelled else f"{path}?labelSelector={_NOT_OWN}")

    services, slices, pods, visible = dict[Name, Any](), dict[Name, list[Any]](), dict[Name, Pod](), dict[Name, str]()
    for namespace in namespaces:
        for found in items(f"/api/v1/namespaces/{namespace}/services"):
            services[_name(found)] = found["spec"]
            if _EXPORT_TO in (found["metadata"].get("annotations") or {}):
                visible[_name(found)] = found["metadata"]["annotations"][_EXPORT_TO]
        for found in items(f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"):
            owner = (found["metadata"].get("labels") or {}).get("kubernetes.io/service-name", "")
            slices.setdefault((namespace, owner), []).append(found)
        pods |= {_name(found): pod(found) for found in items(f"/api/v1/namespaces/{namespace}/pods")}
    rules = [
        made
        for kind, path in (rule_kinds.PATHS | gateway_api.paths(ask)).items()
        for found in of_others(kind, path)
        if (made := rule(kind, found, root))
    ]
    policies = [
        made
        for kind, path in policy_kinds.PATHS.items()
        for found in of_others(kind, path)
        if (made := policy(kind, found, root))
    ]
    return Inventory(services, slices, pods, rules, policies, visible, _levels(items, namespaces))


def _levels(items: "Callable[[str], list[dict[str, Any]]]", namespaces: Sequence[str]) -> dict[str, str]:
    """Return the levels that namespaces enforce; none if the user may not list namespaces."""
    try:
        found = {one["metadata"]["name"]: one["metadata"].get("labels") or {} for one in items("/api/v1/namespaces")}
    except SilentClusterError:
        raise
    except UnreadableClusterError:
        return {}
    return {name: level for name in namespaces if (level := found.get(name, {}).get(POD_SECURITY))}


def items(api: "ApiClient", path: str) -> list[dict[str, Any]]:
    """Return the items of a list; none if the API server does not know its kind: Istio is not installed yet."""
    return (answer(api, path) or {}).get("items") or []


def answer(api: "ApiClient", path: str, accept: str = _JSON) -> dict[str, Any] | None:
    """Return the API server's answer; None if there is nothing at the path."""
    request = api.param_serialize("GET", path, header_params={"Accept": accept}, auth_settings=_LOGIN)
    response = api.call_api(*request, _request_timeout=_SECONDS)
    response.read()
    if response.status == HTTPStatus.NOT_FOUND:
        return None
    if response.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        refusal = f"its API server answers {response.status} {response.reason}"
        raise UnreadableClusterError(f"{refusal}: the kubeconfig's user needs the right to list {path}")
    if response.status != HTTPStatus.OK:
        raise SilentClusterError(f"its API server answers {response.status} {response.reason} to {path}")
    return json.loads(response.data or b"")


def _name(found: Mapping[str, Any]) -> Name:
    return found["metadata"]["namespace"], found["metadata"]["name"]
