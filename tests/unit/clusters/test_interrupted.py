"""What an interrupted update left in a cluster is taken over, and nothing else."""

import asyncio
import base64
import gzip
import json
from collections.abc import Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pulumi
import pytest
from api_server import kubeconfig, serving
from recording import record_of, recorded

from components.clusters import interrupted
from components.clusters.cluster import Cluster as ClusterKind
from components.clusters.interrupted import NotOursError, make_way, recorded_as, released, unblock
from components.objects import OWNER, RELEASE, KubernetesObject

SECRETS = "/api/v1/namespaces/istio-system/secrets"
NAMESPACE = "/api/v1/namespaces/istio-system"
CORE = [
    {"name": "namespaces", "kind": "Namespace", "namespaced": False},
    {"name": "namespaces/status", "kind": "Namespace", "namespaced": False},
    {"name": "secrets", "kind": "Secret", "namespaced": True},
]
FIELDS = {"f:data": {}}


class Cluster:
    """An API server that keeps objects by path, and all that changed them."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {"/api/v1": {"resources": CORE}}
        self.changes: list[tuple[str, str, Any]] = []
        self.kubeconfig = ""

    def has(self, path: str, owner: str | None = None, **metadata: Any) -> None:
        annotations = {} if owner is None else {"annotations": {OWNER: owner}}
        self.objects[path] = {"metadata": {"name": path.rpartition("/")[2], **annotations, **metadata}}

    def has_release(self, *statuses: str, **config: Any) -> None:
        items = [_record(revision, status, **config) for revision, status in enumerate(statuses, 1)]
        self.objects[SECRETS] = {"items": list(reversed(items))}


def _record(revision: int, status: str, **config: Any) -> dict[str, Any]:
    release = {"name": "istiod", "version": revision, "info": {"status": status}, "config": {"a": 1, **config}}
    data = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    labels = {"owner": "helm", "name": "istiod", "status": status, "version": str(revision)}
    return {"metadata": {"name": f"sh.helm.release.v1.istiod.v{revision}", "labels": labels}, "data": {"release": data}}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

        def _answer(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            assert self.headers["Content-Type"] == "application/json"  # others are refused with 415
            found = cluster.objects.get(path)
            self._answer(200 if found else 404, found or {})

        def do_PATCH(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"] == "application/merge-patch+json"
            cluster.changes.append(("PATCH", self.path, body))
            self._answer(200, {})

        def do_DELETE(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            cluster.changes.append(("DELETE", self.path, None))
            self._answer(200, {})

    with serving(Handler) as address:
        cluster.kubeconfig = kubeconfig(f"http://{address}")
        yield cluster


def secret(owner: str = "id/east-cacerts") -> dict[str, Any]:
    metadata = {"name": "cacerts", "namespace": "istio-system", "annotations": {OWNER: owner}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}


RELEASED = {"name": "istiod", "namespace": "istio-system"}


def test_what_does_not_exist_is_created_without_further_ado(cluster: Cluster) -> None:
    assert make_way(cluster.kubeconfig, "kubernetes:core/v1:Secret", secret(), "id", own=False) == ""
    assert make_way(cluster.kubeconfig, RELEASE, RELEASED, "id", own=False) == ""
    assert cluster.changes == []


def test_a_kind_that_is_not_installed_yet_has_no_objects(cluster: Cluster) -> None:
    gateway = secret() | {"apiVersion": "networking.istio.io/v1", "kind": "Gateway"}

    assert make_way(cluster.kubeconfig, "kubernetes:networking.istio.io/v1:Gateway", gateway, "id", own=False) == ""


def test_an_object_of_an_interrupted_update_is_given_free_for_the_next_one(cluster: Cluster) -> None:
    fields = [{"manager": "pulumi-kubernetes-1a2b3c4d", "operation": "Apply", "fieldsV1": FIELDS}]
    cluster.has(f"{SECRETS}/cacerts", owner="id/east-cacerts", managedFields=fields)

    found = make_way(cluster.kubeconfig, "kubernetes:core/v1:Secret", secret(), "id", own=False)
    assert found == "it exists: an update that was interrupted created it"
    assert cluster.changes == [("PATCH", f"{SECRETS}/cacerts", {"metadata": {"managedFields": released(fields)}})]


@pytest.mark.parametrize("owner", [None, "another/east-cacerts", "id/east-renamed", "id", "id/east-cacerts-2"])
def test_an_object_that_another_resource_created_is_refused(cluster: Cluster, owner: str | None) -> None:
    cluster.has(f"{SECRETS}/cacerts", owner=owner)

    with pytest.raises(NotOursError, match="Secret istio-system/cacerts exists, and this stack did not create it"):
        make_way(cluster.kubeconfig, "kubernetes:core/v1:Secret", secret(), "id", own=True)
    assert cluster.changes == []


@pytest.mark.parametrize("status", ["deployed", "failed", "pending-install"])
def test_a_release_of_an_interrupted_update_can_be_installed_again(cluster: Cluster, status: str) -> None:
    cluster.has(NAMESPACE, owner="id/east-istio-system")
    cluster.has_release("superseded", status)

    found = make_way(cluster.kubeconfig, RELEASE, RELEASED, "id", own=False)
    assert found == f"it exists ({status}): an update that was interrupted installed it"
    assert cluster.changes == [("DELETE", f"{SECRETS}/sh.helm.release.v1.istiod.v{n}", None) for n in (1, 2)]


@pytest.mark.parametrize("owner", [None, "another/east-istio-system"])
def test_a_release_in_somebodys_namespace_is_refused(cluster: Cluster, owner: str | None) -> None:
    cluster.has(NAMESPACE, owner=owner)
    cluster.has_release("deployed")

    with pytest.raises(NotOursError, match="Helm release istio-system/istiod exists"):
        make_way(cluster.kubeconfig, RELEASE, RELEASED, "id", own=False)
    assert cluster.changes == []


def test_a_release_of_this_stacks_in_somebodys_namespace_is_known_by_its_pods_owner(cluster: Cluster) -> None:
    cluster.has(NAMESPACE)
    cluster.has_release("pending-install", podAnnotations={OWNER: "id"})

    assert "an update that was interrupted" in make_way(cluster.kubeconfig, RELEASE, RELEASED, "id", own=False)
    with pytest.raises(NotOursError):
        make_way(cluster.kubeconfig, RELEASE, RELEASED, "another", own=False)


def test_every_release_in_the_stacks_own_cluster_is_the_stacks(cluster: Cluster) -> None:
    cluster.has(NAMESPACE)
    cluster.has_release("deployed")

    make_way(cluster.kubeconfig, RELEASE, RELEASED, "id", own=True)
    assert [verb for verb, _, _ in cluster.changes] == ["DELETE"]


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback"])
def test_an_interrupted_operation_of_helm_is_recorded_as_failed(cluster: Cluster, status: str) -> None:
    cluster.has_release("deployed", status)

    assert status in unblock(cluster.kubeconfig, RELEASED)
    [(verb, path, body)] = cluster.changes
    assert (verb, path) == ("PATCH", f"{SECRETS}/sh.helm.release.v1.istiod.v2")
    assert body["metadata"]["labels"] == {"status": "failed"}


@pytest.mark.parametrize("status", ["deployed", "failed"])
def test_a_release_that_helm_can_upgrade_is_left_alone(cluster: Cluster, status: str) -> None:
    cluster.has_release("superseded", status)

    assert unblock(cluster.kubeconfig, RELEASED) == ""
    assert cluster.changes == []


def test_nothing_but_the_status_of_a_failed_record_changes() -> None:
    data = recorded_as("failed", _record(3, "pending-upgrade"))["data"]["release"]

    release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(data))))
    assert release == {"name": "istiod", "version": 3, "info": {"status": "failed"}, "config": {"a": 1}}


def test_only_pulumis_earlier_managers_give_their_fields_free() -> None:
    others = [{"manager": "kube-controller-manager", "fieldsV1": FIELDS}, {"manager": "kubectl", "fieldsV1": FIELDS}]
    earlier = {"manager": "pulumi-kubernetes-1a2b3c4d", "operation": "Apply", "fieldsV1": FIELDS}

    *kept, freed = released([*others, earlier])
    assert kept == others
    assert freed == earlier | {"fieldsV1": {"f:metadata": {"f:annotations": {"f:multimesh/owner": {}}}}}


def test_a_cluster_that_does_not_answer_is_left_to_the_provider() -> None:
    config = kubeconfig("http://127.0.0.1:1")

    assert make_way(config, RELEASE, RELEASED, "id", own=False) == ""
    assert unblock(config, RELEASED) == ""


def test_an_api_server_that_refuses_is_an_error_that_says_so(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupted, "_records", lambda api, _: interrupted.ask(api, "PUT", "/"))

    with pytest.raises(interrupted.AnswerError, match="PUT /: 501"):
        unblock(cluster.kubeconfig, RELEASED)


def test_every_object_names_its_provider_and_its_resource() -> None:
    program = recorded({"meshes": {"east": {"cluster": {"kind": "local"}}}})
    owners = {
        name: found.inputs["metadata"].get("annotations", {}).get(OWNER)
        for name, found in program.resources.items()
        if "metadata" in found.inputs
    }

    assert owners == {name: f"east-kubernetes-id/{name}" for name in owners}
    assert len(owners) > 5


def test_every_object_and_release_of_a_cluster_has_its_hooks() -> None:
    program = recorded({"meshes": {"east": {"cluster": {"kind": "local"}}}})
    hooked = {name for name, found in program.resources.items() if found.hooks}

    kubernetes = {name for name, found in program.resources.items() if found.type.startswith("kubernetes:")}
    assert hooked >= kubernetes
    assert program["east-istiod"].hooks == {"east-before-create", "east-before-update"}


class _Known:
    """An output whose value is known."""

    def __init__(self, value: str) -> None:
        self._value = value

    async def future(self) -> str:
        return self._value


def hooked_cluster(kubeconfig: str, lifetime: object, *, is_new: bool = False) -> Any:
    return SimpleNamespace(
        kubeconfig=_Known(kubeconfig),
        provider=SimpleNamespace(id=_Known("id")),
        adopts=False,
        lifetime=lifetime,
        is_new=is_new,
        name="east",
    )


@pytest.mark.parametrize(("lifetime", "refused"), [(None, True), (object(), False)])
def test_a_cluster_of_the_stacks_own_is_its_own_whole(cluster: Cluster, lifetime: object, *, refused: bool) -> None:
    cluster.has(NAMESPACE)
    cluster.has_release("deployed")
    args = pulumi.ResourceHookArgs("urn", "", "east-istiod", RELEASE, new_inputs=RELEASED)
    hook = ClusterKind._before_create(hooked_cluster(cluster.kubeconfig, lifetime), args)

    with pytest.raises(NotOursError) if refused else nullcontext():
        asyncio.run(hook)
    assert bool(cluster.changes) is not refused


def test_a_cluster_that_this_update_created_is_not_looked_into(cluster: Cluster) -> None:
    cluster.has(NAMESPACE)
    cluster.has_release("deployed")
    args = pulumi.ResourceHookArgs("urn", "", "east-istiod", RELEASE, new_inputs=RELEASED)
    asyncio.run(ClusterKind._before_create(hooked_cluster(cluster.kubeconfig, None, is_new=True), args))

    assert cluster.changes == []


def test_a_cluster_of_the_lab_is_new_once_it_was_created() -> None:
    made: Any = SimpleNamespace(is_new=False)
    ClusterKind._created(made, pulumi.ResourceHookArgs("urn", "", "east-lab", "LabCluster", new_inputs={}))

    assert made.is_new
    assert recorded({"meshes": {"east": {"cluster": {"kind": "local"}}}})["east-lab"].hooks == {"east-created"}


def test_what_is_no_kubernetes_object_is_created_without_a_look(cluster: Cluster) -> None:
    inputs = {"kubeconfig": cluster.kubeconfig, "objects": {}}
    args = pulumi.ResourceHookArgs("urn", "", "east-services", "pulumi-python:dynamic/multimesh:ServiceObjects", inputs)

    assert asyncio.run(ClusterKind._before_create(hooked_cluster(cluster.kubeconfig, None), args)) is None


def test_an_update_unblocks_helm_for_releases_alone(cluster: Cluster) -> None:
    cluster.has_release("pending-install")
    for type, inputs in (("kubernetes:core/v1:Secret", secret()), (RELEASE, RELEASED)):
        args = pulumi.ResourceHookArgs("urn", "", "east-istiod", type, new_inputs=inputs)
        asyncio.run(ClusterKind._before_update(hooked_cluster(cluster.kubeconfig, None), args))

    assert [verb for verb, _, _ in cluster.changes] == ["PATCH"]


def test_the_provider_takes_over_what_the_hook_let_pass() -> None:
    provider = recorded({"meshes": {"east": {"cluster": {"kind": "local"}}}})["east-kubernetes"]

    assert provider.inputs["upsertExistingObjects"] == "true"


def test_an_object_that_is_only_looked_up_has_no_owner() -> None:
    def program() -> dict[str, Any]:
        provider = pulumi.ProviderResource("kubernetes", "p", {})
        KubernetesObject("found", "v1", "Service", opts=pulumi.ResourceOptions(id="a/b", provider=provider))
        return {}

    assert OWNER not in json.dumps(record_of(program)["found"].inputs)
