"""The resource with all objects of services in a mesh, as the engine calls its provider."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from objects_server import ObjectsServer, objects_server
from pulumi.runtime.rpc import UNKNOWN

from components.federation import cluster_objects
from components.federation.service_objects import RefusedError, ServiceObjectsProvider, UnreachableError, as_text

NAME = "DestinationRule istio-system/web"
PROVIDER = ServiceObjectsProvider()


@pytest.fixture
def server() -> Iterator[ObjectsServer]:
    with objects_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_objects, "_PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(cluster_objects, "_ADDRESS_SECONDS", 0)


def props(server: ObjectsServer, host: str = "web", **given: Any) -> dict[str, Any]:
    inputs = {"mesh": "east", "cluster": "one", "kubeconfig": server.kubeconfig, "skip_unreachable": False}
    return {**inputs, "objects": {NAME: as_text({"host": host})}, **given}


def created(server: ObjectsServer, **given: Any) -> dict[str, Any]:
    """Return the outputs of the created resource, as the state keeps them."""
    made = PROVIDER.create(props(server, **given))
    assert made.id == "east"
    return json.loads(json.dumps(made.outs))


def changes(olds: dict[str, Any], news: dict[str, Any]) -> bool | None:
    return PROVIDER.diff("east", olds, news).changes


def test_a_second_run_changes_nothing(server: ObjectsServer) -> None:
    assert changes(created(server), props(server)) is False


def test_the_state_has_a_digest_in_place_of_each_object(server: ObjectsServer) -> None:
    outputs = created(server)
    assert "objects" not in outputs
    assert list(outputs["digests"]) == [NAME]


@pytest.mark.parametrize("given", [{"host": "other"}, {"objects": {}}, {"objects": UNKNOWN}, {"kubeconfig": "new"}])
def test_another_input_is_a_change(server: ObjectsServer, given: dict[str, Any]) -> None:
    assert changes(created(server), props(server, **given)) is True


def test_a_change_that_the_state_shows_is_found_without_asking_for_all_objects(server: ObjectsServer) -> None:
    outputs = created(server)
    server.listed.clear()
    assert changes(outputs, props(server, "other")) is True
    assert server.listed == []


def test_an_update_changes_the_cluster(server: ObjectsServer) -> None:
    olds, news = created(server), props(server, "other")
    outputs = PROVIDER.update("east", olds, news).outs
    assert server.specs() == {"web": {"host": "other"}}
    assert outputs
    assert changes(outputs, news) is False


def test_a_refresh_of_what_is_as_it_was_changes_nothing(server: ObjectsServer) -> None:
    outputs = created(server)
    assert PROVIDER.read("east", outputs).outs == outputs


@pytest.mark.parametrize("drift", ["changed", "deleted"])
def test_what_somebody_changed_is_seen_by_a_refresh_and_repaired(server: ObjectsServer, drift: str) -> None:
    outputs = created(server)
    [(at, found)] = server.objects.items()
    if drift == "deleted":
        server.objects.clear()
    else:
        server.objects[at] = found | {"spec": {"host": "theirs"}}
    refreshed = PROVIDER.read("east", outputs).outs
    assert refreshed
    assert changes(refreshed, props(server)) is True
    PROVIDER.update("east", refreshed, props(server))
    assert server.specs() == {"web": {"host": "web"}}


def test_what_an_update_changed_before_it_failed_is_seen(server: ObjectsServer) -> None:
    before = created(server)
    wide = props(server, objects={NAME: as_text({"host": "wide"}), "ServiceEntry istio-system/web": "{}"})
    server.refusals["serviceentries"] = [(422, "no")]
    with pytest.raises(RefusedError):
        PROVIDER.update("east", before, wide)
    assert server.specs() == {"web": {"host": "wide"}}
    assert changes(before, props(server)) is True, "although the state knows nothing else"


def test_what_a_refused_creation_made_is_undone(server: ObjectsServer) -> None:
    server.refusals["serviceentries"] = [(422, "no")]
    with pytest.raises(RefusedError, match="mesh east: ServiceEntry istio-system/web: no"):
        PROVIDER.create(props(server, objects={NAME: "{}", "ServiceEntry istio-system/web": "{}"}))
    assert server.objects == {}


def test_another_cluster_is_another_resource(server: ObjectsServer) -> None:
    diff = PROVIDER.diff("east", created(server), props(server, cluster="two"))
    assert (diff.replaces, diff.delete_before_replace) == (["cluster"], True)


def test_a_cluster_that_does_not_answer_is_compared_as_it_was_last_seen(gone: dict[str, Any]) -> None:
    news = {key: gone[key] for key in ("mesh", "cluster", "kubeconfig", "skip_unreachable")}
    assert changes(gone, news | {"objects": {NAME: as_text({"host": "web"})}}) is False
    assert changes(gone, news | {"objects": {NAME: as_text({"host": "other"})}}) is True


def test_a_deleted_resource_leaves_nothing(server: ObjectsServer) -> None:
    PROVIDER.delete("east", created(server))
    assert server.objects == {}


def test_a_cluster_that_cannot_be_reached_is_named(server: ObjectsServer) -> None:
    gone = props(server, kubeconfig=server.kubeconfig.replace("http://127.0.0.1", "http://127.0.0.2"))
    for call in (lambda: PROVIDER.create(gone), lambda: PROVIDER.update("east", {}, gone)):
        with pytest.raises(UnreachableError, match="mesh east: its cluster cannot be reached"):
            call()


@pytest.fixture
def gone(server: ObjectsServer) -> dict[str, Any]:
    """The state of a resource whose cluster does not answer."""
    return created(server) | {"kubeconfig": server.kubeconfig.replace("http://127.0.0.1", "http://127.0.0.2")}


def test_a_refresh_or_a_deletion_there_says_how_to_go_on(gone: dict[str, Any]) -> None:
    with pytest.raises(UnreachableError, match="PULUMI_K8S_DELETE_UNREACHABLE=true"):
        PROVIDER.read("east", gone)
    with pytest.raises(UnreachableError, match="PULUMI_K8S_DELETE_UNREACHABLE=true"):
        PROVIDER.delete("east", gone)


@pytest.mark.parametrize("answer", [(504, "Timeout: request did not complete"), (500, "etcdserver: no leader")])
def test_a_cluster_whose_database_does_not_answer_cannot_be_reached(
    server: ObjectsServer, answer: tuple[int, str]
) -> None:
    outputs = created(server)
    server.refusals["GET"] = [answer]
    with pytest.raises(UnreachableError, match=answer[1]):
        PROVIDER.read("east", outputs)
    kept = outputs | {"skip_unreachable": True}
    assert PROVIDER.read("east", kept).outs == kept


def test_what_is_gone_for_good_can_be_dropped(gone: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_K8S_DELETE_UNREACHABLE", "true")
    PROVIDER.delete("east", gone)
    assert PROVIDER.read("east", gone).id == "", "the engine drops it"


@pytest.mark.parametrize("by", ["cluster", "environment"])
def test_a_refresh_can_keep_what_the_state_says(gone: dict[str, Any], monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    if by == "environment":
        monkeypatch.setenv("PULUMI_K8S_SKIP_UPDATE_UNREACHABLE", "true")
    props = gone | {"skip_unreachable": by == "cluster"}
    assert PROVIDER.read("east", props).outs == props
