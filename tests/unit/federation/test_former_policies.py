"""How the ALLOW policies of an earlier version go: those of the mesh admit everybody before any other goes."""

from collections.abc import Iterator
from typing import Any

import pytest
from objects_server import ObjectsServer, objects_server

from components.clusters.connection import connected
from components.federation import cluster_objects, former_policies
from components.federation.cluster_objects import Key, RefusedError, converge
from components.federation.order import FOREIGN

ALLOW, DENY = Key("AuthorizationPolicy", "shop", "web.callers"), Key("AuthorizationPolicy", "shop", "web.others")
EXCEPTION, FILTER = Key("EnvoyFilter", "shop", "web.peers"), Key("EnvoyFilter", "istio-system", FOREIGN)
AT = "/apis/security.istio.io/v1/namespaces/istio-system/authorizationpolicies"
OWN = {"action": "ALLOW", "rules": [{"from": [{"source": {"principals": ["east.mesh/*"]}}]}]}
WORLD = {
    "selector": {"matchLabels": {"istio": "ingressgateway"}},
    "action": "ALLOW",
    "rules": [{"to": [{"operation": {"ports": ["80"]}}]}],
}
WANTED = {DENY: {"action": "DENY"}, EXCEPTION: {}, FILTER: {}}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectsServer]:
    monkeypatch.setattr(former_policies, "SETTLED_SECONDS", 0)
    monkeypatch.setattr(cluster_objects, "_ADDRESS_SECONDS", 0)
    monkeypatch.setattr(cluster_objects, "_AT_ONCE", 1)
    with objects_server() as server:
        made(server, {ALLOW: {"action": "ALLOW"}})
        yield server


def made(server: ObjectsServer, wanted: dict[Key, Any]) -> list[str]:
    server.asked.clear()
    with connected(server.kubeconfig) as api:
        converge(api, wanted, lambda _: None)
    return server.asked


def given(server: ObjectsServer, name: str, spec: dict[str, Any]) -> None:
    metadata = {"name": name, "namespace": "istio-system", "resourceVersion": "1"}
    server.objects[f"{AT}/{name}"] = {"metadata": metadata, "spec": spec}


def test_what_denies_comes_first_then_the_meshs_policies_admit_all_and_the_others_go(server: ObjectsServer) -> None:
    given(server, "own-identities", OWN)
    given(server, "world-to-ingress", WORLD)
    assert made(server, WANTED) == [
        "POST web.others",
        "POST web.peers",
        f"POST {FOREIGN}",
        "PUT own-identities",
        "PUT world-to-ingress",
        "DELETE web.callers",
    ]
    specs = server.specs()
    assert specs["own-identities"] == OWN | {"rules": [{}]}
    assert specs["world-to-ingress"] == WORLD | {"rules": [{}]}


def test_what_admits_everybody_already_stays(server: ObjectsServer) -> None:
    given(server, "own-identities", OWN | {"rules": [{}]})
    assert "PUT own-identities" not in made(server, WANTED)


def test_where_somebody_else_runs_the_control_plane_none_is_taken_for_one(server: ObjectsServer) -> None:
    server.namespace = {"metadata": {"name": "istio-system", "labels": {"owner": "company"}}}
    given(server, "own-identities", OWN)
    assert "PUT own-identities" not in made(server, WANTED)


@pytest.mark.parametrize(
    "theirs",
    [
        {"action": "DENY", "rules": OWN["rules"]},
        {"selector": {"matchLabels": {"app": "web"}}, "rules": OWN["rules"]},
        {"rules": [*OWN["rules"], *OWN["rules"]]},
        {},
    ],
)
def test_a_policy_of_the_users_of_that_name_stays_as_it_is(server: ObjectsServer, theirs: dict[str, Any]) -> None:
    given(server, "own-identities", theirs)
    made(server, WANTED)
    assert server.specs()["own-identities"] == theirs


@pytest.mark.parametrize("part", ["web.others", "web.peers", FOREIGN, "own-identities"])
def test_where_something_is_refused_no_policy_that_allows_goes(server: ObjectsServer, part: str) -> None:
    given(server, "own-identities", OWN)
    server.refusals[part] = [(403, "denied")]
    with pytest.raises(RefusedError, match="denied"):
        made(server, WANTED)
    assert "web.callers" in server.specs()
    assert server.specs()["own-identities"] == OWN
