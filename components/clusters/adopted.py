"""What an Istio that is gone has left in a cluster: with `istio.adopt`, the next update takes it over.

Helm installs over an object only if its metadata names the release that is installed:
https://helm.sh/docs/helm/helm_install/
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from components.clusters.interrupted import NotOursError, ask, is_owned, reached
from components.istio import GATEWAY, NAMESPACE
from components.objects import OWNER, RELEASE

Inputs = Mapping[str, Any]
Ask = Callable[..., dict[str, Any] | None]

ADOPTED = "multimesh/adopted"
"""The annotation of a namespace that somebody may have had before: `destroy` keeps it."""

_RBAC, _WEBHOOKS = "/apis/rbac.authorization.k8s.io/v1", "/apis/admissionregistration.k8s.io/v1"
_INSIDE, _RBAC_INSIDE = f"/api/v1/namespaces/{NAMESPACE}", f"{_RBAC}/namespaces/{NAMESPACE}"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_ROLES = (
    f"istiod-clusterrole-{NAMESPACE}",
    f"istiod-gateway-controller-{NAMESPACE}",
    f"istio-reader-clusterrole-{NAMESPACE}",
)
BASE, ISTIOD = "istio-base", "istiod"
_CLUSTER_WIDE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    BASE: {f"{_WEBHOOKS}/validatingwebhookconfigurations": ("istiod-default-validator",)},
    ISTIOD: {
        f"{_RBAC}/clusterroles": _ROLES,
        f"{_RBAC}/clusterrolebindings": _ROLES,
        f"{_WEBHOOKS}/mutatingwebhookconfigurations": ("istio-sidecar-injector",),
        f"{_WEBHOOKS}/validatingwebhookconfigurations": (f"istio-validator-{NAMESPACE}",),
    },
}
"""What the charts create outside namespaces, besides CRDs: names by release and by the path of their list."""
_NAMESPACED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    BASE: {f"{_INSIDE}/serviceaccounts": ("istio-reader-service-account",)},
    ISTIOD: {
        f"{_INSIDE}/serviceaccounts": ("istiod",),
        f"{_INSIDE}/configmaps": ("values", "istio", "istio-sidecar-injector"),
        f"{_INSIDE}/services": ("istiod",),
        f"{_RBAC_INSIDE}/roles": ("istiod",),
        f"{_RBAC_INSIDE}/rolebindings": ("istiod",),
        f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers": ("istiod",),
        f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets": ("istiod",),
    },
    GATEWAY: {
        f"{_INSIDE}/serviceaccounts": (GATEWAY,),
        f"{_INSIDE}/services": (GATEWAY,),
        f"{_RBAC_INSIDE}/roles": (GATEWAY,),
        f"{_RBAC_INSIDE}/rolebindings": (GATEWAY,),
        f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers": (GATEWAY,),
        f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets": (GATEWAY,),
    },
}
WORKLOADS = tuple(
    f"/apis/apps/v1/namespaces/{NAMESPACE}/{kind}" for kind in ("deployments", "daemonsets", "statefulsets")
)
_GROUPS = ("extensions", "networking", "security", "telemetry")


def cluster_wide(release: str) -> Mapping[str, Sequence[str]]:
    """Return what the chart of a release creates outside namespaces, as in that table."""
    return _revised(_CLUSTER_WIDE, release)


def _revised(table: Mapping[str, Mapping[str, tuple[str, ...]]], release: str) -> Mapping[str, Sequence[str]]:
    """Return a release's part of a table; a control plane's revision is in the names of all that is its own."""
    revision = release.removeprefix(f"{ISTIOD}-")
    if revision == release:
        return table.get(release, {})
    return {path: [_with(revision, name) for name in names] for path, names in table[ISTIOD].items()}


def _with(revision: str, name: str) -> str:
    head = name.removesuffix(f"-{NAMESPACE}")
    return f"{head}-{revision}{name.removeprefix(head)}"


def is_definition(name: str) -> bool:
    """Return whether a CustomResourceDefinition of this name is one of the chart base."""
    return name.partition(".")[2] in {f"{group}.istio.io" for group in _GROUPS}


def is_of(found: Inputs, release: str) -> bool:
    """Return whether Helm takes an object as one of this release of multimesh's."""
    return release_of(found) == (NAMESPACE, release)


def release_of(found: Inputs) -> tuple[str, str] | None:
    """Return the namespace and the name of the Helm release that an object names as its own; None if it names none."""
    annotations, labels = (found["metadata"].get(key) or {} for key in ("annotations", "labels"))
    name, namespace = (annotations.get(f"meta.helm.sh/release-{key}") for key in ("name", "namespace"))
    return (namespace, name) if name and namespace and labels.get("app.kubernetes.io/managed-by") == "Helm" else None


def records(namespace: str, name: str = "") -> str:
    """Return the path at which Helm's records of a release are, or of all releases of a namespace."""
    return f"/api/v1/namespaces/{namespace}/secrets?labelSelector=owner%3Dhelm{f'%2Cname%3D{name}' if name else ''}"


def living(found: Mapping[str, Any]) -> bool:
    """Return whether a record of Helm's is of a release that is installed, not of one that is history."""
    return (found["metadata"].get("labels") or {}).get("status") not in ("uninstalled", "superseded")


def take_over(kubeconfig: str, type: str, inputs: Inputs) -> str:
    """Let the namespace, or a Helm release, be created over what is left of another Istio; return what is taken over.

    Raise NotOursError if that Istio lives, and AnswerError.
    """
    with reached(kubeconfig) as api:
        request = partial(ask, api)
        if type == RELEASE:
            taken = list(_leftovers(request, inputs["name"]))
            return f"takes over {', '.join(taken)}" if taken else ""
        if type == "kubernetes:core/v1:Namespace" and inputs["metadata"]["name"] == NAMESPACE:
            return _namespace(request, inputs["metadata"])
    return ""


def _namespace(request: Ask, metadata: Inputs) -> str:
    found = request("GET", _INSIDE)
    if found is None or is_owned(found, metadata["annotations"][OWNER]):
        return ""
    inside = [one["metadata"]["name"] for path in WORKLOADS for one in _items(request, path)]
    inside += [one["metadata"]["labels"]["name"] for one in _items(request, records(NAMESPACE)) if living(one)]
    if inside:
        raise NotOursError(f"Namespace {NAMESPACE} is not empty: {', '.join(sorted({*inside}))} is in it")
    # Server-side apply would be refused where somebody else has set another value.
    request("PATCH", _INSIDE, {"metadata": {key: metadata[key] for key in ("labels", "annotations")}})
    return "takes over the namespace that is there"


def _leftovers(request: Ask, release: str) -> Iterator[str]:
    """Hand over to a release each object of its chart that names no release, or one that is gone."""
    named = [
        (path, name)
        for table in (_CLUSTER_WIDE, _NAMESPACED)
        for path, names in _revised(table, release).items()
        for name in names
    ]
    if release == BASE:
        found = (one["metadata"]["name"] for one in _items(request, CRDS))
        named += [(CRDS, name) for name in found if is_definition(name)]
    helm = {
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": NAMESPACE},
    }
    for path, name in named:
        found = request("GET", f"{path}/{name}")
        if found is None or is_of(found, release):
            continue
        kind = path.rpartition("/")[2]
        if (owner := release_of(found)) and any(map(living, _items(request, records(*owner)))):
            raise NotOursError(f"{kind}/{name} is of the Helm release {'/'.join(owner)}, which is installed")
        request("PATCH", f"{path}/{name}", {"metadata": helm})
        yield f"{kind}/{name}"


def _items(request: Ask, path: str) -> list[dict[str, Any]]:
    return (request("GET", path) or {}).get("items") or []
