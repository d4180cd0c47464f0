"""An Istio that is in a cluster already: seen before anything is created, and never taken for the stack's own."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from api_server import kubeconfig, serving

from components.clusters.existing import node_folders, preflight
from components.clusters.existing import taken as in_the_way
from components.clusters.existing.occupied import faults, leftovers
from components.clusters.existing.settings import ExistingClusterSettings, NodeFolders
from components.istio import MANAGED
from components.mesh.roles import JOINED, Role
from components.mesh.single_mesh import namespace_metadata

APPS, CORE = "/apis/apps/v1", "/api/v1"
INSIDE = f"{APPS}/namespaces/istio-system/deployments"
ISTIODS = f"{APPS}/deployments?labelSelector=app%3Distiod"
RELEASES = f"{CORE}/namespaces/istio-system/secrets?labelSelector=owner%3Dhelm"
CANARY = f"{CORE}/namespaces/istio/secrets?labelSelector=owner%3Dhelm%2Cname%3Distio-base"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"


def named(name: str, namespace: str = "", /, annotations: Any = None, **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "labels": labels, "annotations": annotations or {}}
    return {"metadata": metadata | ({"namespace": namespace} if namespace else {})}


def deployment(name: str, namespace: str = "istio-system", **annotations: str) -> dict[str, Any]:
    return named(name, namespace) | {"spec": {"template": {"metadata": {"annotations": annotations}}}}


def owned(name: str, release: str, namespace: str = "istio-system") -> dict[str, Any]:
    annotations = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace}
    return named(name, annotations=annotations, **{"app.kubernetes.io/managed-by": "Helm"})


ISTIO_SYSTEM = f"{CORE}/namespaces/istio-system"
OURS = {"metadata": namespace_metadata(Role("east", "east.mesh"))}
CRD = "virtualservices.networking.istio.io"


def said(objects: dict[str, list[dict[str, Any]]], *, adopt: bool = False) -> list[str]:
    return list(faults(lambda path: objects.get(path, []), adopt=adopt))


def taken(objects: dict[str, list[dict[str, Any]]]) -> list[str]:
    return list(leftovers(lambda path: objects.get(path, [])))


def test_an_empty_cluster_is_free() -> None:
    assert said({}) == []


def test_what_the_stack_itself_has_installed_is_no_hindrance() -> None:
    istiod, gateway = deployment("istiod", **{"multimesh/root-ca": "AB"}), deployment("istio-ingressgateway")
    made = {ISTIODS: [istiod], INSIDE: [istiod, gateway], CRDS: [owned(CRD, "istio-base")]}
    roles = [owned("istiod-clusterrole-istio-system", "istiod"), named("istio-remote")]
    assert said({**made, ROLES: roles, ISTIO_SYSTEM: [OURS]}) == []
    assert said({**made, ISTIO_SYSTEM: [named("istio-system")]}) == [], "of a version that did not label it"
    assert said({ISTIO_SYSTEM: [OURS]}) == [], "an update that was interrupted"


def test_what_a_destroyed_stack_leaves_is_no_hindrance() -> None:
    assert said({CRDS: [owned(CRD, "istio-base")]}) == []


def test_the_namespace_of_another_istio_is_named_with_its_releases() -> None:
    found = {
        ISTIO_SYSTEM: [named("istio-system")],
        INSIDE: [deployment("istiod")],
        ISTIODS: [deployment("istiod")],
        RELEASES: [named("a.v1", name="istiod"), named("a.v2", name="istiod"), named("b.v1", name="istio-base")],
        CRDS: [named(CRD)],
    }
    assert said(found) == [
        "the namespace istio-system is there already, and is not multimesh's (it has Helm releases istio-base, istiod "
        "and Deployments istiod). multimesh installs its own Istio there: if nobody needs that one, run "
        "`helm uninstall -n istio-system istio-base istiod` and `kubectl delete namespace istio-system`; if somebody "
        "does, join it: set istio.install: false of the mesh"
    ]


def test_an_empty_namespace_of_somebody_is_named() -> None:
    [line] = said({ISTIO_SYSTEM: [named("istio-system")]})
    assert "(it has no workload)" in line
    assert "run `kubectl delete namespace istio-system`, or set istio.adopt: true of the mesh" in line


def test_an_empty_namespace_is_taken_over_and_named() -> None:
    gone = named("sh.helm.release.v1.istiod.v1", name="istiod", status="uninstalled")
    objects = {ISTIO_SYSTEM: [named("istio-system")], RELEASES: [gone]}
    assert said(objects, adopt=True) == []
    assert taken(objects) == ["the namespace istio-system"]


@pytest.mark.parametrize("kind", ["deployments", "daemonsets", "statefulsets"])
def test_a_namespace_in_which_something_runs_is_not_taken_over(kind: str) -> None:
    objects = {ISTIO_SYSTEM: [named("istio-system")], f"{APPS}/namespaces/istio-system/{kind}": [deployment("kiali")]}
    [line] = said(objects, adopt=True)
    assert f"(it has {kind.capitalize()} kiali). istio.adopt takes over an empty namespace alone" in line


def test_a_namespace_with_a_living_release_is_not_taken_over() -> None:
    objects = {ISTIO_SYSTEM: [named("istio-system")], RELEASES: [named("a.v1", name="istio-base", status="deployed")]}
    [line] = said(objects, adopt=True)
    assert "if nobody needs what is in it, run `helm uninstall -n istio-system istio-base`; if" in line


def test_a_namespace_that_was_taken_over_is_not_deleted_by_leaving_the_key_out() -> None:
    adopted = {"metadata": namespace_metadata(Role("east", "east.mesh"), adopted=True)}
    assert said({ISTIO_SYSTEM: [adopted]}, adopt=True) == []
    [line] = said({ISTIO_SYSTEM: [adopted]})
    assert "`pulumi destroy` would delete it: set istio.adopt: true of the mesh" in line


def test_a_control_plane_in_another_namespace_is_named() -> None:
    [line] = said({ISTIODS: [deployment("istiod-canary", "istio-canary")], CRDS: [named(CRD)]})
    assert line.startswith("Istio's control plane runs in the cluster already, in namespace istio-canary: multimesh")


@pytest.mark.parametrize(
    "crd", [named(CRD), owned(CRD, "istio-crds"), owned(CRD, "istio-base", "istio"), named(CRD, annotations=None)]
)
def test_crds_of_another_installation_are_named(crd: dict[str, Any]) -> None:
    objects = {CRDS: [crd, named("certificates.cert-manager.io")], ROLES: [named("istiod-clusterrole-istio-system")]}
    assert said(objects) == [
        "parts of another installation of Istio are in the cluster: clusterroles/istiod-clusterrole-istio-system, "
        f"1 CustomResourceDefinitions such as {CRD}. Helm takes over only what belongs to its own releases: delete "
        "them, or set istio.adopt: true of the mesh, and they are handed over"
    ]
    assert said(objects, adopt=True) == []
    assert taken(objects) == [
        f"clusterroles/istiod-clusterrole-istio-system, 1 CustomResourceDefinitions such as {CRD}"
    ]


def test_parts_of_a_revision_are_in_the_way_of_a_control_plane_of_that_revision_alone() -> None:
    left = {ROLES: [named("istiod-clusterrole-canary-istio-system"), named("istiod-clusterrole-old-istio-system")]}
    assert said(left) == []
    [line] = list(faults(lambda path: left.get(path, []), revision="canary"))
    assert "are in the cluster: clusterroles/istiod-clusterrole-canary-istio-system. Helm takes" in line
    assert list(leftovers(lambda path: left.get(path, []), "canary")) == [
        "clusterroles/istiod-clusterrole-canary-istio-system"
    ]
    ours = {ROLES: [owned("istiod-clusterrole-canary-istio-system", "istiod-canary")]}
    assert list(faults(lambda path: ours.get(path, []), revision="canary")) == []


def test_parts_whose_release_is_installed_are_not_taken_over() -> None:
    release = [named("sh.helm.release.v1.istio-base.v1", name="istio-base", status="deployed")]
    objects = {CRDS: [owned(CRD, "istio-base", "istio")], CANARY: release}
    [line] = said(objects, adopt=True)
    assert line.endswith("Their Helm releases are installed (istio/istio-base): uninstall them first")


def test_definitions_of_no_chart_are_in_nobodys_way() -> None:
    assert said({CRDS: [named("istiooperators.install.istio.io")]}) == []


DEMO, ECHO = f"{CORE}/namespaces/demo", f"{APPS}/namespaces/demo/deployments"


def taken_names(objects: dict[str, list[dict[str, Any]]], **given: bool) -> list[str]:
    asked = {"sample": True, "read_by_others": True} | given
    return list(in_the_way.faults(lambda path: objects.get(path, []), **asked))


def test_a_namespace_of_the_samples_name_is_named_with_the_way_out() -> None:
    [line] = taken_names({DEMO: [named("demo")], ECHO: [deployment("echo", "demo")]})
    assert line.startswith("the namespace demo is there already, and is not multimesh's")
    assert line.endswith("Set sample: false, or delete the namespace")
    assert taken_names({DEMO: [named("demo")]}, sample=False) == []


def test_the_namespace_of_the_stacks_own_sample_is_no_hindrance() -> None:
    assert taken_names({DEMO: [named("demo", **MANAGED)]}) == [], "an update that was interrupted"
    of_an_earlier_version = [deployment("echo", "demo", **{JOINED: "east.mesh//east"})]
    assert taken_names({DEMO: [named("demo")], ECHO: of_an_earlier_version}) == []


def test_a_role_of_the_name_by_which_a_single_mesh_is_read_is_named() -> None:
    [line] = taken_names({ROLES: [named("view"), named("istio-remote")]})
    assert line.startswith("clusterroles/istio-remote is there already, and is not multimesh's: in a single mesh")
    assert taken_names({ROLES: [named("istio-remote")]}, read_by_others=False) == []
    assert taken_names({ROLES: [named("istio-remote", **MANAGED)]}) == []
    assert taken_names({ROLES: [named("istio-remote")], ISTIO_SYSTEM: [OURS]}) == [], "of an earlier version"


AGENTS = f"{APPS}/daemonsets?labelSelector=k8s-app%3Distio-cni-node"


def agents(objects: dict[str, list[dict[str, Any]]], *, cni: bool = True) -> list[str]:
    return taken_names(objects, sample=False, read_by_others=False, cni=cni)


def test_a_node_agent_of_somebody_is_named_with_the_ways_out() -> None:
    there = {AGENTS: [deployment("istio-cni-node")], ROLES: [named("istio-cni")]}
    [line] = agents(there)
    assert line.startswith("Istio's CNI node agent runs in the cluster already (DaemonSet istio-system/istio-cni-node)")
    assert line.endswith("remove istio.cni of the mesh, and set istio.values.istiod.pilot.cni.enabled: true")
    assert agents(there, cni=False) == []


def test_what_is_left_of_a_node_agent_is_named() -> None:
    accounts = f"{CORE}/namespaces/kube-system/serviceaccounts"
    there = {ROLES: [named("istio-cni"), named("view")], accounts: [owned("istio-cni", "cni", "kube-system")]}
    [line] = agents(there)
    assert "are in the cluster: clusterroles/istio-cni, serviceaccounts/istio-cni. Helm takes over only" in line


def test_the_stacks_own_node_agent_is_no_hindrance() -> None:
    agent = deployment("istio-cni-node", "kube-system", **{"multimesh/owner": "a1b2"})
    there = {AGENTS: [agent], ROLES: [owned("istio-cni", "istio-cni", "kube-system")]}
    assert agents(there) == []


@pytest.mark.parametrize(
    ("version", "keys"),
    [
        ("v1.33.5-gke.1162000", "bin_dir: /home/kubernetes/bin"),
        ("v1.33.5+k3s1", "bin_dir: /var/lib/rancher/k3s/data/cni, conf_dir: /var/lib/rancher/k3s/agent/etc/cni/net.d"),
    ],
)
def test_a_cluster_whose_nodes_have_other_folders_wants_them_configured(version: str, keys: str) -> None:
    [line] = node_folders.faults(lambda _: [{"gitVersion": version}], None)
    assert line.endswith(f"set cluster.cni: {{{keys}}}")
    assert list(node_folders.faults(lambda _: [{"gitVersion": version}], NodeFolders())) == []


@pytest.mark.parametrize("version", ["v1.33.5", "v1.33.5-eks-3cfe0ce", "v1.33.5+rke2r1"])
def test_most_clusters_have_the_usual_folders(version: str) -> None:
    assert list(node_folders.faults(lambda _: [{"gitVersion": version}], None)) == []


class ApiServer(BaseHTTPRequestHandler):
    """Has an istio-system of somebody's, and hides the Secrets in it."""

    answers: dict[str, Any] = {  # noqa: RUF012 not changed
        "/api/": {"versions": ["v1"], "serverAddressByClientCIDRs": []},
        ISTIO_SYSTEM: named("istio-system"),
        INSIDE: {"items": [deployment("istiod")]},
        ISTIODS: {"items": [deployment("istiod")]},
    }

    def do_GET(self) -> None:
        answer = self.answers.get(self.path)
        if self.path == ISTIO_SYSTEM and "List" in self.headers["Accept"]:
            answer = None  # as an API server, which has no list of one object
        self.send_response(200 if answer else 403)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer or {"kind": "Status", "metadata": {}}).encode())

    def log_message(self, format: str, *args: Any) -> None: ...


def test_the_preflight_asks_the_cluster() -> None:
    with serving(ApiServer) as address:
        given = {"kind": "existing", "kubeconfig": kubeconfig(f"http://{address}")}
        [missing] = preflight.missing(ExistingClusterSettings.model_validate(given))
    assert missing.path == ()
    assert "(it has Deployments istiod)" in missing.message


def test_lists_that_a_server_has_nothing_for_are_empty() -> None:
    class Empty(ApiServer):
        answers = {path: {"metadata": {}, "items": None} for path in (INSIDE, ISTIODS, CRDS, ROLES)} | {
            "/api/": ApiServer.answers["/api/"]
        }

    with serving(Empty) as address:
        given = {"kind": "existing", "kubeconfig": kubeconfig(f"http://{address}")}
        assert list(preflight.missing(ExistingClusterSettings.model_validate(given))) == []
