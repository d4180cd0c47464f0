"""What an Istio that is gone has left is handed over to multimesh's releases; one that lives is left alone."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from api_server import kubeconfig, serving

from components.clusters.adopted import take_over
from components.clusters.interrupted import NotOursError
from components.objects import OWNER, RELEASE

NAMESPACE = "/api/v1/namespaces/istio-system"
ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/istiod-clusterrole-istio-system"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
VIRTUAL, CERTIFICATE = "virtualservices.networking.istio.io", "certificates.cert-manager.io"
HELM = {
    "labels": {"app.kubernetes.io/managed-by": "Helm"},
    "annotations": {"meta.helm.sh/release-name": "istiod", "meta.helm.sh/release-namespace": "istio-system"},
}
WANTED = {
    "metadata": {"name": "istio-system", "labels": {"team": "mesh"}, "annotations": {OWNER: "id/east-istio-system"}}
}


class Cluster:
    """An API server that keeps objects by path with its query, and what changed them."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.changes: list[tuple[str, Any]] = []
        self.kubeconfig = ""

    def takes_over(self, type: str, inputs: dict[str, Any]) -> str:
        return take_over(self.kubeconfig, type, inputs)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

        def do_GET(self) -> None:
            self._answer(cluster.objects.get(self.path))

        def do_PATCH(self) -> None:
            cluster.changes.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self._answer({})

        def _answer(self, found: Any) -> None:
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(found or {}).encode())

    with serving(Handler) as address:
        cluster.kubeconfig = kubeconfig(f"http://{address}")
        yield cluster


def named(name: str, release: str = "", namespace: str = "", status: str = "") -> dict[str, Any]:
    annotations = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace}
    labels = {"app.kubernetes.io/managed-by": "Helm"} if release else {"name": name, "status": status}
    return {"metadata": {"name": name, "labels": labels, "annotations": annotations if release else {}}}


def test_an_empty_cluster_has_nothing_to_take_over(cluster: Cluster) -> None:
    assert cluster.takes_over(RELEASE, {"name": "istiod"}) == ""
    assert cluster.takes_over("kubernetes:core/v1:Namespace", WANTED) == ""
    assert cluster.changes == []


def test_an_object_that_names_no_release_is_handed_over(cluster: Cluster) -> None:
    cluster.objects[ROLE] = named("istiod-clusterrole-istio-system")
    found = cluster.takes_over(RELEASE, {"name": "istiod"})
    assert found == "takes over clusterroles/istiod-clusterrole-istio-system"
    assert cluster.changes == [(ROLE, {"metadata": HELM})]


def test_an_object_of_a_release_that_is_gone_is_handed_over(cluster: Cluster) -> None:
    cluster.objects[ROLE] = named("istiod-clusterrole-istio-system", "istiod-1-20", "istio-system")
    cluster.takes_over(RELEASE, {"name": "istiod"})
    assert cluster.changes == [(ROLE, {"metadata": HELM})]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles", "istiod-clusterrole-canary-istio-system"),
        (
            "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
            "istio-validator-canary-istio-system",
        ),
        ("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", "istio-sidecar-injector-canary"),
        ("/api/v1/namespaces/istio-system/services", "istiod-canary"),
        ("/api/v1/namespaces/istio-system/configmaps", "istio-canary"),
    ],
)
def test_what_has_the_revision_in_its_name_is_handed_over_to_its_control_plane(
    cluster: Cluster, path: str, name: str
) -> None:
    cluster.objects[f"{path}/{name}"] = named(name)
    assert cluster.takes_over(RELEASE, {"name": "istiod"}) == ""
    assert cluster.takes_over(RELEASE, {"name": "istiod-canary"}) == f"takes over {path.rpartition('/')[2]}/{name}"


def test_an_object_of_a_release_that_is_installed_is_refused(cluster: Cluster) -> None:
    cluster.objects[ROLE] = named("istiod-clusterrole-istio-system", "istiod-canary", "istio")
    records = "/api/v1/namespaces/istio/secrets?labelSelector=owner%3Dhelm%2Cname%3Distiod-canary"
    cluster.objects[records] = {"items": [named("istiod-canary", status="deployed")]}
    with pytest.raises(NotOursError, match="is of the Helm release istio/istiod-canary, which is installed"):
        cluster.takes_over(RELEASE, {"name": "istiod"})
    assert cluster.changes == []


def test_definitions_of_istio_alone_are_handed_over(cluster: Cluster) -> None:
    cluster.objects[CRDS] = {"items": [named(VIRTUAL), named(CERTIFICATE), named("istiooperators.install.istio.io")]}
    cluster.objects |= {f"{CRDS}/{name}": named(name) for name in (VIRTUAL, CERTIFICATE)}
    assert cluster.takes_over(RELEASE, {"name": "istio-base"}) == f"takes over customresourcedefinitions/{VIRTUAL}"


def test_an_empty_namespace_gets_the_labels_first_so_that_no_field_conflicts(cluster: Cluster) -> None:
    cluster.objects[NAMESPACE] = named("istio-system")
    assert cluster.takes_over("kubernetes:core/v1:Namespace", WANTED) == "takes over the namespace that is there"
    assert cluster.changes == [
        (NAMESPACE, {"metadata": {key: WANTED["metadata"][key] for key in ("labels", "annotations")}})
    ]


def test_a_namespace_of_this_stack_is_not_taken_over_again(cluster: Cluster) -> None:
    cluster.objects[NAMESPACE] = WANTED
    assert cluster.takes_over("kubernetes:core/v1:Namespace", WANTED) == ""


def test_the_namespace_of_another_stack_that_runs_is_refused(cluster: Cluster) -> None:
    cluster.objects[NAMESPACE] = named("istio-system")
    cluster.objects["/apis/apps/v1/namespaces/istio-system/deployments"] = {"items": [named("istiod")]}
    with pytest.raises(NotOursError, match="Namespace istio-system is not empty: istiod is in it"):
        cluster.takes_over("kubernetes:core/v1:Namespace", WANTED)
    assert cluster.changes == []


def test_another_namespace_is_never_taken_over(cluster: Cluster) -> None:
    cluster.objects["/api/v1/namespaces/demo"] = named("demo")
    assert cluster.takes_over("kubernetes:core/v1:Namespace", {"metadata": {"name": "demo"}}) == ""
