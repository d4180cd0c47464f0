"""The Kubernetes stand-in, asked as the engine asks it, against a small API server on loopback."""

import threading
from base64 import b64encode

import pytest
from plugin_api_server import ApiServer
from plugin_requests import (
    SECRET,
    SERVICE,
    check,
    configured,
    create,
    delete,
    diff,
    read,
    read_request,
    secret,
    service,
    shown,
    update,
    urn,
)

from lab.plugins.kubernetes import lifecycle
from lab.plugins.kubernetes.provider import Kubernetes
from lab.plugins.protocol import provider_pb2
from lab.plugins.server import PartialError, PluginError
from lab.plugins.values import UNKNOWN, Properties, Secret, decode, encode, reveal


@pytest.fixture
def provider(server: ApiServer) -> Kubernetes:
    return configured(kubeconfig=Secret(server.kubeconfig))


def test_a_created_object_is_on_the_server(provider: Kubernetes, server: ApiServer) -> None:
    create(provider, service(type="ClusterIP"))

    assert server.objects[SERVICE]["spec"] == {"type": "ClusterIP"}


def test_the_id_is_namespace_and_name(provider: Kubernetes) -> None:
    request = provider_pb2.CreateRequest(urn=urn(), properties=encode(service()))

    assert provider.create(request).id == "demo/echo"


def test_each_resource_owns_its_fields_under_a_name_of_its_own(provider: Kubernetes, server: ApiServer) -> None:
    state = create(provider, service())
    server.objects.clear()
    again = create(provider, service())

    assert state["__fieldManager"].startswith("pulumi-kubernetes-")
    assert again["__fieldManager"] != state["__fieldManager"]


def test_an_object_that_exists_is_refused_even_if_an_interrupted_run_made_it(provider: Kubernetes) -> None:
    create(provider, service())

    with pytest.raises(PluginError, match='services "echo" already exists'):
        create(provider, service(type="NodePort"))


def test_an_existing_object_is_taken_over_when_told_so(server: ApiServer) -> None:
    server.objects[SERVICE] = service()
    provider = configured(kubeconfig=server.kubeconfig, upsertExistingObjects="true")

    assert create(provider, service(type="NodePort"))["spec"] == {"type": "NodePort"}


def test_an_object_that_is_taken_over_keeps_the_fields_of_every_other_manager(server: ApiServer) -> None:
    server.owners = ["kubectl"]
    provider = configured(kubeconfig=server.kubeconfig, upsertExistingObjects="true")

    with pytest.raises(PluginError, match='conflict with "kubectl"'):
        create(provider, service(type="NodePort"))


def test_a_preview_asks_the_server_and_changes_nothing(provider: Kubernetes, server: ApiServer) -> None:
    planned = create(provider, service(type="ClusterIP"), preview=True)

    assert planned["metadata"]["uid"] == "1"
    assert server.objects == {}


def test_a_preview_of_what_is_not_known_yet_is_its_inputs(provider: Kubernetes) -> None:
    inputs = service(clusterIP=UNKNOWN)

    assert create(provider, inputs, preview=True) == inputs


def test_a_preview_of_a_kind_that_is_still_to_be_installed_is_its_inputs(provider: Kubernetes) -> None:
    inputs = service() | {"apiVersion": "example.com/v1", "kind": "Thing"}

    assert create(provider, inputs, "example.com/v1:Thing", preview=True) == inputs


def test_a_kind_is_waited_for_while_its_definition_is_being_installed(
    provider: Kubernetes, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_KIND_PAUSE", 0.05)
    threading.Timer(0.1, server.resources["/apis/example.com/v1"].update, [{"Thing": ("things", True)}]).start()

    create(provider, service() | {"apiVersion": "example.com/v1", "kind": "Thing"}, "example.com/v1:Thing")

    assert "/apis/example.com/v1/namespaces/demo/things/echo" in server.objects


def test_a_kind_that_never_comes_is_an_error_that_says_so(
    provider: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_KIND_PAUSE", 0)

    with pytest.raises(PluginError, match='no matches for kind "Thing"'):
        create(provider, service() | {"apiVersion": "example.com/v1", "kind": "Thing"}, "example.com/v1:Thing")


def test_an_object_that_is_not_ready_in_time_is_kept_in_the_state(provider: Kubernetes) -> None:
    with pytest.raises(PartialError, match="no ready pod matches") as raised:
        create(provider, service(selector={"app": "echo"}), timeout=0.01)

    assert (raised.value.id, raised.value.properties["kind"]) == ("demo/echo", "Service")


def test_an_object_that_need_not_be_awaited_is_not(provider: Kubernetes) -> None:
    inputs = service(selector={"app": "echo"})
    inputs["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}

    assert create(provider, inputs, timeout=0.01)["kind"] == "Service"


def test_cancelling_ends_the_waiting(provider: Kubernetes) -> None:
    provider.cancelled.set()

    with pytest.raises(PartialError, match="was cancelled"):
        create(provider, service(selector={"app": "echo"}))


def test_what_was_changed_by_hand_is_taken_back(provider: Kubernetes, server: ApiServer) -> None:
    state = create(provider, service())
    server.owners = ["kubectl-edit", "kubectl-patch"]

    assert update(provider, state, service(type="NodePort"))["spec"] == {"type": "NodePort"}


def test_what_a_controller_owns_is_a_conflict(provider: Kubernetes, server: ApiServer) -> None:
    state = create(provider, service())
    server.owners = ["kubectl-edit", "some-operator"]

    with pytest.raises(PluginError, match="field conflict detected"):
        update(provider, state, service(type="NodePort"))


def test_a_controllers_fields_are_taken_when_told_so(provider: Kubernetes, server: ApiServer) -> None:
    inputs = service()
    inputs["metadata"]["annotations"] = {"pulumi.com/patchForce": "true"}
    state = create(provider, inputs)
    server.owners = ["some-operator"]

    assert update(provider, state, inputs)["kind"] == "Service"


@pytest.mark.parametrize(
    ("owner", "repairable"),
    [
        ('"kubectl-edit" using v1', True),
        ('"kubectl-patch" with subresource "scale" using v1', True),
        ('"kubectl"', True),
        ('"pulumi-kubernetes-1a2b3c4d" using v1', True),
        ('"pulumi-kubernetes-1a2b3c4d"', False),
        ('"some-operator" using v1', False),
    ],
)
def test_an_update_takes_over_what_the_official_plugin_does(owner: str, repairable: bool) -> None:
    assert lifecycle.is_repairable(f"Apply failed with 1 conflict: conflict with {owner}: .spec.type") == repairable


@pytest.mark.parametrize(
    ("inputs", "value"),
    [({"stringData": {"key": Secret("hidden")}}, "aGlkZGVu"), ({"data": Secret({"key": "eA=="})}, "eA==")],
)
def test_the_data_of_a_secret_stays_secret(provider: Kubernetes, inputs: Properties, value: str) -> None:
    state = create(provider, secret(**inputs), "core/v1:Secret")

    assert reveal(state["data"]) == {"key": value}
    assert value not in str(shown(state))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"stringData": {"key": Secret("hidden"), "seen": "a"}}, {"key": Secret("aGlkZGVu"), "seen": "YQ=="}),
        (
            {"stringData": Secret({"key": "hidden"}), "data": {"old": "eA=="}},
            Secret({"old": "eA==", "key": "aGlkZGVu"}),
        ),
        ({"stringData": {"key": UNKNOWN, "seen": "a"}}, {"key": UNKNOWN, "seen": "YQ=="}),
    ],
)
def test_string_data_of_a_secret_becomes_data_as_in_the_official_plugin(
    provider: Kubernetes, given: Properties, kept: object
) -> None:
    inputs = check(provider, secret(**given), "core/v1:Secret")

    assert "stringData" not in inputs
    assert inputs["data"] == kept


def test_a_secret_whose_state_still_has_string_data_is_unchanged(provider: Kubernetes) -> None:
    inputs = secret(stringData={"key": Secret("hidden")})
    state = create(provider, inputs, "core/v1:Secret")

    new = check(provider, inputs, "core/v1:Secret")
    assert not diff(provider, state, new, "core/v1:Secret").detailedDiff


def test_refresh_of_what_nobody_changed_keeps_the_inputs(provider: Kubernetes) -> None:
    inputs = secret(stringData={"key": Secret("hidden")})
    state = create(provider, inputs, "core/v1:Secret")

    assert read(provider, state, inputs, "core/v1:Secret") == inputs


def test_refresh_shows_what_was_changed_in_a_secret(provider: Kubernetes, server: ApiServer) -> None:
    inputs = secret(stringData={"key": Secret("hidden")})
    state = create(provider, inputs, "core/v1:Secret")
    server.objects[SECRET]["data"]["key"] = b64encode(b"changed").decode()

    assert read(provider, state, inputs, "core/v1:Secret")["stringData"] == {"key": Secret("changed")}


def test_refresh_shows_drift_and_up_repairs_it(provider: Kubernetes, server: ApiServer) -> None:
    inputs = service(type="ClusterIP")
    state = create(provider, inputs)
    server.objects[SERVICE]["spec"]["type"] = "NodePort"
    refreshed = provider.read(read_request(state, inputs))

    answer = diff(provider, decode(refreshed.properties), inputs, "core/v1:Service")
    assert list(answer.detailedDiff) == ["spec.type"]


def test_refresh_of_what_is_gone_says_so(provider: Kubernetes) -> None:
    assert provider.read(provider_pb2.ReadRequest(id="demo/echo", urn=urn())).id == ""


def test_an_object_that_is_looked_up_has_its_live_state(provider: Kubernetes, server: ApiServer) -> None:
    server.objects[SERVICE] = service(clusterIP="10.96.0.9") | {"status": {}}
    found = provider.read(provider_pb2.ReadRequest(id="demo/echo", urn=urn()))

    assert decode(found.properties)["spec"] == {"clusterIP": "10.96.0.9"}


def test_the_same_inputs_are_no_change(provider: Kubernetes) -> None:
    state = create(provider, service(type="ClusterIP"))

    answer = diff(provider, state, service(type="ClusterIP"), "core/v1:Service")
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_an_object_with_a_name_of_its_own_is_deleted_before_it_is_replaced(provider: Kubernetes) -> None:
    state = create(provider, secret(data={"key": "eA=="}), "core/v1:Secret")

    answer = diff(provider, state, secret(data={"key": "eQ=="}), "core/v1:Secret")
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["data.key"], True)


def test_an_object_with_a_made_up_name_is_replaced_before_it_is_deleted(provider: Kubernetes) -> None:
    old = check(provider, {"apiVersion": "v1", "kind": "Secret", "data": {"key": "eA=="}}, "core/v1:Secret")
    state = create(provider, old, "core/v1:Secret")

    answer = diff(provider, state, old | {"data": {"key": "eQ=="}}, "core/v1:Secret")
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["data.key"], False)


def test_a_mutable_secret_is_changed_in_place(server: ApiServer) -> None:
    provider = configured(kubeconfig=server.kubeconfig, enableSecretMutable="true")
    state = create(provider, secret(data={"key": "eA=="}), "core/v1:Secret")

    answer = diff(provider, state, secret(data={"key": "eQ=="}), "core/v1:Secret")
    assert (list(answer.detailedDiff), list(answer.replaces)) == (["data.key"], [])


def test_a_name_that_is_made_up_is_the_resources_and_the_same_in_preview_and_update(provider: Kubernetes) -> None:
    inputs = {"apiVersion": "v1", "kind": "Service"}
    first, second = (check(provider, inputs, "core/v1:Service")["metadata"]["name"] for _ in range(2))

    assert first == second
    assert first.startswith("echo-")


def test_a_name_that_was_made_up_stays(provider: Kubernetes) -> None:
    inputs = {"apiVersion": "v1", "kind": "Service"}
    old = check(provider, inputs, "core/v1:Service")
    old["metadata"]["name"] = "echo-12345678"

    assert check(provider, inputs, "core/v1:Service", old)["metadata"] == old["metadata"]


def test_a_namespaced_object_gets_the_providers_namespace(server: ApiServer) -> None:
    provider = configured(kubeconfig=server.kubeconfig, namespace="demo")
    inputs = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "echo"}}

    assert check(provider, inputs, "core/v1:Service")["metadata"]["namespace"] == "demo"


def test_a_cluster_scoped_object_gets_no_namespace(provider: Kubernetes) -> None:
    inputs = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}

    assert check(provider, inputs, "core/v1:Namespace")["metadata"] == {"name": "demo"}


def test_checked_inputs_keep_their_secrets(provider: Kubernetes) -> None:
    inputs = secret(data=Secret({"key": "eA=="}))

    assert check(provider, inputs, "core/v1:Secret")["data"] == Secret({"key": "eA=="})


def test_a_deleted_object_is_gone_after_what_depends_on_it(provider: Kubernetes, server: ApiServer) -> None:
    delete(provider, create(provider, service()))

    assert server.objects == {}
    assert ("DELETE", SERVICE, {"propagationPolicy": "Foreground"}) in server.requests


def test_deleting_what_is_gone_already_is_fine(provider: Kubernetes, server: ApiServer) -> None:
    state = create(provider, service())
    server.objects.clear()

    delete(provider, state)


def test_an_object_that_does_not_go_is_an_error(provider: Kubernetes, server: ApiServer) -> None:
    state = create(provider, service())
    server.sticky = True

    with pytest.raises(PluginError, match="waiting for the deletion of Service echo timed out"):
        delete(provider, state, timeout=0.01)
