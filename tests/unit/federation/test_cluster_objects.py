"""Istio objects in a cluster become those that are wanted, and nobody else's are touched."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from objects_server import ObjectsServer, objects_server

from components.clusters.connection import connected
from components.federation import cluster_objects
from components.federation.cluster_objects import Key, RefusedError, converge, live

RULE, ROUTE = Key("DestinationRule", "istio-system", "web"), Key("VirtualService", "istio-system", "web")
POLICY = Key("AuthorizationPolicy", "shop", "web.callers")
AT = f"/apis/networking.istio.io/v1/namespaces/istio-system/destinationrules/{RULE.name}"


@pytest.fixture
def server() -> Iterator[ObjectsServer]:
    with objects_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_objects, "_PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(cluster_objects, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(cluster_objects, "_ADDRESS_SECONDS", 0)


def make(server: ObjectsServer, wanted: dict[Key, Any]) -> list[str]:
    """Make the objects those that are wanted; return the writes that it took."""
    server.asked.clear()
    with connected(server.kubeconfig) as api:
        converge(api, wanted, lambda _: None)
    return sorted(server.asked)


@pytest.mark.parametrize("key", [RULE, ROUTE, POLICY])
def test_a_key_is_its_text(key: Key) -> None:
    assert Key.parse(str(key)) == key


def test_what_is_missing_is_created_and_a_second_time_nothing_is_done(server: ObjectsServer) -> None:
    wanted = {RULE: {"host": "web"}, POLICY: {"action": "ALLOW"}}
    assert make(server, wanted) == ["POST web", "POST web.callers"]
    assert server.specs() == {"web": {"host": "web"}, "web.callers": {"action": "ALLOW"}}
    assert make(server, wanted) == []


def test_what_differs_is_replaced_also_if_somebody_else_changed_it(server: ObjectsServer) -> None:
    make(server, {RULE: {"host": "web"}})
    server.objects[AT]["spec"] = {"host": "web", "exportTo": ["."]}
    assert make(server, {RULE: {"host": "web"}}) == ["PUT web"]
    assert server.specs() == {"web": {"host": "web"}}


def test_what_is_no_longer_wanted_is_deleted_also_if_no_state_knows_of_it(server: ObjectsServer) -> None:
    make(server, {RULE: {"host": "web"}, POLICY: {"action": "ALLOW"}})
    assert make(server, {POLICY: {"action": "ALLOW"}}) == ["DELETE web"]


def test_policies_come_first_and_go_last(server: ObjectsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_objects, "_AT_ONCE", 1)
    wanted = {Key(key.kind, key.namespace, key.kind): {} for key in (ROUTE, RULE, POLICY)}
    order = ["AuthorizationPolicy", "DestinationRule", "VirtualService"]
    with connected(server.kubeconfig) as api:
        converge(api, wanted, lambda _: None)
        assert server.asked == [f"POST {kind}" for kind in order]
        server.asked.clear()
        converge(api, {}, lambda _: None)
    assert server.asked == [f"DELETE {kind}" for kind in reversed(order)]


def test_where_a_policy_is_refused_nothing_routes(server: ObjectsServer) -> None:
    server.refusals["authorizationpolicies"] = [(403, "denied")]
    with pytest.raises(RefusedError, match=r"web\.callers: denied"):
        make(server, {POLICY: {}, ROUTE: {}})
    assert server.specs() == {}


def test_a_refusal_keeps_nothing_that_is_no_longer_wanted(server: ObjectsServer) -> None:
    make(server, {POLICY: {"action": "ALLOW"}})
    server.refusals["destinationrules"] = [(422, "no")]
    with pytest.raises(RefusedError):
        make(server, {RULE: {}})
    assert server.specs() == {}


def test_what_others_added_to_an_objects_metadata_stays(server: ObjectsServer) -> None:
    make(server, {RULE: {"host": "web"}})
    server.objects[AT]["metadata"] |= {"finalizers": ["theirs"]}
    server.objects[AT]["metadata"]["labels"] = cluster_objects.LABELS | {"team": "shop"}
    make(server, {RULE: {"host": "other"}})
    metadata = server.objects[AT]["metadata"]
    assert (metadata["labels"]["team"], metadata["finalizers"]) == ("shop", ["theirs"])


def test_a_copy_of_an_object_is_whose_who_made_it(server: ObjectsServer) -> None:
    make(server, {RULE: {"host": "web"}})
    copy = AT.replace("/web", "/copy")
    made = server.objects[AT]
    server.objects[copy] = made | {"metadata": made["metadata"] | {"name": "copy"}}
    assert make(server, {RULE: {"host": "other"}}) == ["PUT web"]
    assert copy in server.objects


def test_an_object_that_changed_since_it_was_listed_is_replaced(server: ObjectsServer) -> None:
    make(server, {RULE: {"host": "web"}})
    server.refusals["destinationrules"] = [(409, "the object has been modified")]
    assert make(server, {RULE: {"host": "other"}}) == ["PUT web", "PUT web"]
    assert server.specs() == {"web": {"host": "other"}}


@pytest.mark.parametrize("answer", [(429, None), (503, None)])
def test_an_answer_in_plain_text_is_waited_for_too(server: ObjectsServer, answer: tuple[int, None]) -> None:
    server.refusals["destinationrules"] = [answer]
    assert make(server, {RULE: {}}) == ["POST web"] * 2


def test_many_objects_wait_together(server: ObjectsServer) -> None:
    server.refusals["destinationrules"] = [(500, "failed calling webhook")] * 100000
    start = time.monotonic()
    with pytest.raises(RefusedError, match="failed calling webhook"):
        make(server, {Key("DestinationRule", "istio-system", f"web-{number}"): {} for number in range(64)})
    assert time.monotonic() - start < 64 / 8 * 0.5


def test_an_object_of_somebody_elses_is_not_taken_over(server: ObjectsServer) -> None:
    server.objects[AT] = {
        "metadata": {"name": "web", "namespace": "istio-system", "resourceVersion": "7"},
        "spec": {"host": "theirs"},
    }
    with pytest.raises(RefusedError, match="DestinationRule istio-system/web is there already, and is not multimesh's"):
        make(server, {RULE: {"host": "web"}})
    assert server.specs() == {"web": {"host": "theirs"}}
    assert make(server, {}) == [], "nor deleted"


def test_a_refusal_names_the_object_and_all_others_are_made(server: ObjectsServer) -> None:
    server.refusals["destinationrules"] = [(422, "spec.host is empty")]
    with pytest.raises(RefusedError, match=r"^DestinationRule istio-system/web: spec.host is empty$"):
        make(server, {RULE: {}, POLICY: {}})
    assert server.specs() == {"web.callers": {}}


def test_of_many_refusals_the_first_are_named(server: ObjectsServer) -> None:
    server.refusals["destinationrules"] = [(422, "no")] * 9
    with pytest.raises(RefusedError) as caught:
        make(server, {Key("DestinationRule", "istio-system", f"web-{number}"): {} for number in range(9)})
    assert str(caught.value).splitlines()[5:] == ["and 4 more"]


@pytest.mark.parametrize(
    "answer", [(503, "starting"), (429, "slow down"), (500, 'failed calling webhook "validation.istio.io": refused')]
)
def test_what_passes_is_waited_for(server: ObjectsServer, answer: tuple[int, str]) -> None:
    server.refusals["destinationrules"] = [answer] * 3
    assert make(server, {RULE: {}}) == ["POST web"] * 4


def test_what_does_not_pass_is_refused_in_the_end(server: ObjectsServer) -> None:
    server.refusals["destinationrules"] = [(503, "starting")] * 1000
    with pytest.raises(RefusedError, match="web: starting"):
        make(server, {RULE: {}})


def test_a_cluster_without_istio_has_no_objects(server: ObjectsServer) -> None:
    server.unknown = set(cluster_objects._PLURALS.values())
    with connected(server.kubeconfig) as api:
        assert live(api) == {}


@pytest.mark.parametrize("addressed", [True, False])
def test_a_new_service_entry_has_an_address_before_another_goes(
    server: ObjectsServer, monkeypatch: pytest.MonkeyPatch, addressed: bool
) -> None:
    monkeypatch.setattr(cluster_objects, "_ADDRESS_SECONDS", 2)
    server.addressed = addressed
    make(server, {Key("ServiceEntry", "istio-system", "old"): {}})
    start = time.monotonic()
    make(server, {Key("ServiceEntry", "istio-system", "new"): {}})
    waited = time.monotonic() - start
    assert server.asked == ["POST new", "DELETE old"]
    assert (waited < 1.5) == addressed


def test_a_service_entry_that_replaces_nothing_is_not_waited_for(server: ObjectsServer) -> None:
    old, new = Key("ServiceEntry", "istio-system", "old"), Key("ServiceEntry", "istio-system", "new")
    server.addressed = True
    make(server, {old: {}})
    server.addressed = False
    start = time.monotonic()
    make(server, {old: {}, new: {}})
    assert time.monotonic() - start < 5


def test_a_long_step_says_how_far_it_is(server: ObjectsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_objects, "_REPORT_SECONDS", 0)
    said: list[str] = []
    with connected(server.kubeconfig) as api:
        converge(api, {RULE: {}, ROUTE: {}}, said.append)
    assert said == ["1 of 2 objects", "2 of 2 objects"]
