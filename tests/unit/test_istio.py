"""The rendered Istio objects: snapshots of whole meshes, and the rules that a snapshot would not explain."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from recording import recorded
from syrupy.assertion import SnapshotAssertion

from components import istio, routing
from components.ports import Port

LOCAL = {"cluster": {"kind": "local"}}
ECHO = {"name": "echo", "namespace": "demo", "port": 80, "ingress_hosts": ["*"], "service_account": "echo"}


def objects(mesh: str, meshes: list[str], service: dict[str, Any]) -> dict[str, Any]:
    """Return the Istio objects that the program makes in one mesh, by kind and name."""
    return recorded({"meshes": dict.fromkeys(meshes, LOCAL), "services": [service]}).istio_objects(mesh)


def test_two_meshes(snapshot: SnapshotAssertion) -> None:
    service = ECHO | {"meshes": {"east": 80, "west": 20}}
    assert objects("east", ["east", "west"], service) == snapshot


def test_three_meshes_of_which_two_export_to_some_callers(snapshot: SnapshotAssertion) -> None:
    service = ECHO | {
        "meshes": {"east": 1, "west": 1},
        "callers": ["west", "south/ns/shop/sa/web"],
        "ingress_hosts": [],
    }
    meshes = ["east", "west", "south"]
    assert {mesh: objects(mesh, meshes, service) for mesh in ("east", "south")} == snapshot


def test_a_plain_weighted_split(snapshot: SnapshotAssertion) -> None:
    service = ECHO | {"meshes": {"east": 80, "west": 20}, "split": "weighted"}
    assert objects("east", ["east", "west"], service) == snapshot


@given(st.sets(st.from_regex(r"[a-z]{1,8}\.[a-z]{1,8}\.svc\.cluster\.local", fullmatch=True), min_size=1))
def test_the_gateway_for_peers_lists_exact_hosts_in_one_order(hosts: set[str]) -> None:
    (server,) = istio.peer_gateway(list(hosts))["servers"]
    assert server["hosts"] == sorted(hosts)
    assert not [host for host in server["hosts"] if "*" in host]


def test_what_the_application_answers_does_not_eject_a_mesh() -> None:
    split = routing.Split({"east": 100})
    rule = routing.destination_rule("echo.demo.global", [Port(80, "http")], "echo.demo.svc.cluster.local", split)
    [policy] = rule["trafficPolicy"]["portLevelSettings"]
    detection = policy["outlierDetection"]
    assert detection["splitExternalLocalOriginErrors"] is True
    assert detection["consecutiveLocalOriginFailures"] > 0
    assert detection["consecutive5xxErrors"] == detection["consecutiveGatewayErrors"] == 0


def test_endpoints_that_are_all_ejected_are_all_asked_again() -> None:
    detection = routing.failure_detection()["outlierDetection"]
    assert detection["maxEjectionPercent"] == 100
    assert detection["minHealthPercent"] > 0
