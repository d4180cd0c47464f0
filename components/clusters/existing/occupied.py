"""An Istio that is in a cluster already, and that is not multimesh's: Helm would refuse its objects in mid-update."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from components.istio import MANAGED, NAMESPACE

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

Read = Callable[[str], list[dict[str, Any]]]
"""Returns the objects of a list, or the one object, at a path of the API; none if it does not exist or is hidden."""

_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_RELEASES = ("istio-base", "istiod", "istio-ingressgateway")
_CLUSTER_WIDE = {
    "/apis/rbac.authorization.k8s.io/v1/clusterroles": (
        f"istiod-clusterrole-{NAMESPACE}",
        f"istiod-gateway-controller-{NAMESPACE}",
        f"istio-reader-clusterrole-{NAMESPACE}",
    ),
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings": (
        f"istiod-clusterrole-{NAMESPACE}",
        f"istiod-gateway-controller-{NAMESPACE}",
        f"istio-reader-clusterrole-{NAMESPACE}",
    ),
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations": ("istio-sidecar-injector",),
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations": (
        f"istio-validator-{NAMESPACE}",
        "istiod-default-validator",
    ),
}
"""What the charts create outside namespaces, by the paths of their lists."""
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def reader(api: "ApiClient", timeout: float) -> Read:
    """Return the function that reads a cluster's objects; of most kinds, the metadata alone."""

    def read(path: str) -> list[dict[str, Any]]:
        listed = path.rpartition("/")[0].endswith("/namespaces")
        whole = listed or "deployments" in path or path.endswith("/services")
        accept = "application/json" if whole else _METADATA
        request = api.param_serialize("GET", path, header_params={"Accept": accept}, auth_settings=["BearerToken"])
        answer = api.call_api(*request, _request_timeout=timeout)
        answer.read()
        content = json.loads(answer.data or b"{}") if answer.status == HTTPStatus.OK else {}
        if "items" in content:
            return content["items"] or []  # null: of an empty list of metadata
        return [content] if "metadata" in content else []

    return read


def faults(read: Read) -> Iterator[str]:
    """Yield a line for each Istio, or part of one, that stands in the way of multimesh's own."""
    elsewhere = [found for found in read("/apis/apps/v1/deployments?labelSelector=app%3Distiod") if not is_ours(found)]
    namespaces = [found for found in read(f"/api/v1/namespaces/{NAMESPACE}") if not is_ours(found)]
    if namespaces and not any(map(is_ours, inside := read(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"))):
        yield _namespace(inside, read(f"/api/v1/namespaces/{NAMESPACE}/secrets?labelSelector=owner%3Dhelm"))
        return
    others = sorted({found["metadata"]["namespace"] for found in elsewhere} - {NAMESPACE})
    if others:
        yield (
            f"Istio's control plane runs in the cluster already, in namespace {', '.join(others)}: multimesh installs "
            f"its own in {NAMESPACE}. Uninstall that one first, or use another cluster"
        )
        return
    names = {path: set(wanted) for path, wanted in _CLUSTER_WIDE.items()}
    foreign = [
        f"{path.rpartition('/')[2]}/{name}"
        for path, wanted in names.items()
        for name in _foreign(read(path))
        if name in wanted
    ]
    definitions = [name for name in _foreign(read(_CRDS)) if name.endswith(".istio.io")]
    if definitions:
        foreign.append(f"{len(definitions)} CustomResourceDefinitions such as {definitions[0]}")
    if foreign:
        yield (
            f"parts of another installation of Istio are in the cluster: {', '.join(foreign)}. Helm takes over only "
            "what belongs to its own releases: delete them, or hand them over, as docs/existing.md describes"
        )


def _namespace(deployments: Iterable[Mapping[str, Any]], releases: Iterable[Mapping[str, Any]]) -> str:
    """Return what is in a namespace istio-system that multimesh did not create, and what to do."""
    helm = sorted({found["metadata"].get("labels", {}).get("name", "") for found in releases} - {""})
    running = sorted(found["metadata"]["name"] for found in deployments)
    both = (("Helm releases", helm), ("Deployments", running))
    content = " and ".join(f"{kind} {', '.join(names)}" for kind, names in both if names) or "no workload"
    uninstall = f"`helm uninstall -n {NAMESPACE} {' '.join(helm)}` and " if helm else ""
    return (
        f"the namespace {NAMESPACE} is there already, and is not multimesh's (it has {content}). multimesh installs "
        f"its own Istio there: if nobody needs that one, run {uninstall}`kubectl delete namespace {NAMESPACE}`; if "
        "somebody does, use another cluster"
    )


def is_ours(found: Mapping[str, Any]) -> bool:
    """Return whether multimesh made an object: a namespace by its label, a Deployment by its pods' annotations."""
    template = ((found.get("spec") or {}).get("template") or {}).get("metadata") or {}
    annotations = template.get("annotations") or {}
    return (found["metadata"].get("labels") or {}).items() >= MANAGED.items() or any(
        name.startswith("multimesh/") for name in annotations
    )


def _foreign(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the objects that no Helm release of multimesh's owns."""
    return [
        each["metadata"]["name"]
        for each in found
        if (each["metadata"].get("annotations") or {}).get("meta.helm.sh/release-name") not in _RELEASES
        or (each["metadata"].get("annotations") or {}).get("meta.helm.sh/release-namespace") != NAMESPACE
        or (each["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") != "Helm"
    ]
