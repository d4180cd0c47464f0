"""An Istio that is in a cluster already, and that is not multimesh's: Helm would refuse its objects in mid-update."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from components.clusters.adopted import (
    ADOPTED,
    BASE,
    CRDS,
    ISTIOD,
    WORKLOADS,
    cluster_wide,
    is_definition,
    is_of,
    living,
    records,
    release_of,
)
from components.istio import MANAGED, NAMESPACE

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

Read = Callable[[str], list[dict[str, Any]]]
"""Returns the objects of a list, or the one object, at a path of the API; none if it does not exist or is hidden."""

_NAMESPACE = f"/api/v1/namespaces/{NAMESPACE}"
_DEFINITION = "customresourcedefinitions"
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def reader(api: "ApiClient", timeout: float, *, whole_objects: bool = False) -> Read:
    """Return the function that reads a cluster's objects; of most kinds, the metadata alone, unless told otherwise."""

    def read(path: str) -> list[dict[str, Any]]:
        listed = path.rpartition("/")[0].endswith("/namespaces")
        whole = (
            whole_objects
            or listed
            or "deployments" in path
            or "daemonsets" in path
            or "/configmaps/" in path
            or path.endswith(("/services", "/version"))
        )
        accept = "application/json" if whole else _METADATA
        request = api.param_serialize("GET", path, header_params={"Accept": accept}, auth_settings=["BearerToken"])
        answer = api.call_api(*request, _request_timeout=timeout)
        answer.read()
        content = json.loads(answer.data or b"{}") if answer.status == HTTPStatus.OK else {}
        if "items" in content:
            return content["items"] or []  # null: of an empty list of metadata
        return [content] if content else []

    return read


def faults(read: Read, *, adopt: bool = False, revision: str | None = None) -> Iterator[str]:
    """Yield a line for each Istio, or part of one, that stands in the way of multimesh's own.

    With `adopt`, an empty namespace and what no release owns do not. `revision` is that of the control plane.
    """
    elsewhere = [found for found in read("/apis/apps/v1/deployments?labelSelector=app%3Distiod") if not is_ours(found)]
    namespaces = read(_NAMESPACE)
    if _is_somebodys(read, namespaces):
        running, helm = _inside(read)
        if running or helm or not adopt:
            yield _namespace(running, helm, adopt=adopt)
            return
    if not adopt and any(ADOPTED in (found["metadata"].get("annotations") or {}) for found in namespaces):
        yield (
            f"the namespace {NAMESPACE} was taken over (annotation {ADOPTED}), and `pulumi destroy` would delete it: "
            "set istio.adopt: true of the mesh. If nobody else needs the namespace, take the annotation away: "
            f"`kubectl annotate namespace {NAMESPACE} {ADOPTED}-`"
        )
        return
    others = sorted({found["metadata"]["namespace"] for found in elsewhere} - {NAMESPACE})
    if others:
        yield (
            f"Istio's control plane runs in the cluster already, in namespace {', '.join(others)}: multimesh installs "
            f"its own in {NAMESPACE}. Uninstall that one first, or join it: set istio.install: false of the mesh"
        )
        return
    foreign = list(_foreign(read, revision))
    if adopt:
        foreign = [(kind, found) for kind, found in foreign if _is_alive(read, found)]
    if foreign:
        owners = sorted({"/".join(owner) for _, found in foreign if (owner := release_of(found))})
        yield (
            f"parts of another installation of Istio are in the cluster: {_summary(foreign)}. "
            + (
                f"Their Helm releases are installed ({', '.join(owners)}): uninstall them first"
                if adopt
                else "Helm takes over only what belongs to its own releases: delete them, or set istio.adopt: true of "
                "the mesh, and they are handed over"
            )
        )


def leftovers(read: Read, revision: str | None = None) -> Iterator[str]:
    """Yield what an Istio that is gone has left, if `faults` finds nothing in the way."""
    if _is_somebodys(read, read(_NAMESPACE)):
        yield f"the namespace {NAMESPACE}"
    if found := list(_foreign(read, revision)):
        yield _summary(found)


def _is_somebodys(read: Read, namespaces: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether the namespace is there, and not multimesh's; an early version did not label it."""
    if not any(not is_ours(found) for found in namespaces):
        return False
    return not any(map(is_ours, read(WORKLOADS[0])))


def _inside(read: Read) -> tuple[list[str], list[str]]:
    """Return what runs in the namespace istio-system, and the Helm releases that are installed there."""
    running = [
        f"{path.rpartition('/')[2].capitalize()} {', '.join(names)}"
        for path in WORKLOADS
        if (names := sorted(found["metadata"]["name"] for found in read(path)))
    ]
    helm = {found["metadata"].get("labels", {}).get("name", "") for found in read(records(NAMESPACE)) if living(found)}
    return running, sorted(helm - {""})


def _namespace(running: Sequence[str], helm: Sequence[str], *, adopt: bool) -> str:
    """Return what is in a namespace istio-system that multimesh did not create, and what to do."""
    content = " and ".join([*([f"Helm releases {', '.join(helm)}"] if helm else []), *running]) or "no workload"
    there = f"the namespace {NAMESPACE} is there already, and is not multimesh's (it has {content})."
    uninstall = f"`helm uninstall -n {NAMESPACE} {' '.join(helm)}`"
    if adopt:
        first = f"run {uninstall}" if helm else "delete them"
        return (
            f"{there} istio.adopt takes over an empty namespace alone: if nobody needs what is in it, {first}; if "
            "somebody does, use another cluster, or join a control plane that runs: istio.install: false"
        )
    istiod = any("istiod" in line for line in running)
    keep = "" if running or helm else ", or set istio.adopt: true of the mesh to install into this one and keep it"
    return (
        f"{there} multimesh installs its own Istio there: if nobody needs that one, run "
        f"{f'{uninstall} and ' if helm else ''}`kubectl delete namespace {NAMESPACE}`{keep}; if somebody does, "
        f"{'join it: set istio.install: false of the mesh' if istiod else 'use another cluster'}"
    )


def _foreign(read: Read, revision: str | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what the charts create outside namespaces, and what no Helm release of multimesh's owns, with its kind."""
    lists: dict[str, dict[str, str]] = {}
    for release in (BASE, ISTIOD, *([f"{ISTIOD}-{revision}"] if revision else [])):
        for path, names in cluster_wide(release).items():
            lists.setdefault(path, {}).update(dict.fromkeys(names, release))
    for path, wanted in lists.items():
        for found in read(path):
            name = found["metadata"]["name"]
            if name in wanted and not is_of(found, wanted[name]):
                yield path.rpartition("/")[2], found
    for found in read(CRDS):
        if is_definition(found["metadata"]["name"]) and not is_of(found, BASE):
            yield _DEFINITION, found


def _is_alive(read: Read, found: Mapping[str, Any]) -> bool:
    owner = release_of(found)
    return owner is not None and any(map(living, read(records(*owner))))


def _summary(foreign: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    names = [(kind, found["metadata"]["name"]) for kind, found in foreign]
    said = [f"{kind}/{name}" for kind, name in names if kind != _DEFINITION]
    if definitions := [name for kind, name in names if kind == _DEFINITION]:
        said.append(f"{len(definitions)} CustomResourceDefinitions such as {definitions[0]}")
    return ", ".join(said)


def is_ours(found: Mapping[str, Any]) -> bool:
    """Return whether multimesh made an object: a namespace by its label, a Deployment by its pods' annotations."""
    template = ((found.get("spec") or {}).get("template") or {}).get("metadata") or {}
    annotations = template.get("annotations") or {}
    return (found["metadata"].get("labels") or {}).items() >= MANAGED.items() or any(
        name.startswith("multimesh/") for name in annotations
    )
