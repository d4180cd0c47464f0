"""What is registered for services, by what the clusters tell."""

from typing import Any

import pytest
from recording import record, recorded

from components.federation.availability import UnusableServicesError
from components.federation.inventory import UnreadableClusterError

LOCAL = {"cluster": {"kind": "local"}}
ECHO = {"name": "echo", "namespace": "demo", "port": 80, "service_account": "echo"}
WEB = {"name": "web", "namespace": "shop", "port": 80}
STACK = {"meshes": {"east": LOCAL, "west": LOCAL}, "services": [ECHO, WEB]}
HTTP = {"name": "http", "port": 80, "targetPort": 8080}
FOUND = {"shop/web": {"spec": {"clusterIP": "10.0.0.9", "selector": {"app": "web"}, "ports": [HTTP]}}}
GONE: dict[str, dict[str, Any]] = {"shop/web": {"gone": True}}


def made(names: Any) -> set[str]:
    return {name.removeprefix("web.shop.") for name in names if name.startswith("web.shop.")}


def test_a_service_that_no_mesh_has_makes_nothing_and_the_others_are_made() -> None:
    recording = recorded(STACK)
    assert made(recording.resources) == set()
    assert "echo.demo.east-service-entry" in recording.resources
    assert recording.outputs["services"]["web.shop.global"] == {}
    assert "web.shop.global" not in recording.outputs["meshes"]["east"]["exports"]


def test_a_preview_of_a_cluster_that_does_not_answer_registers_what_an_update_will() -> None:
    expected = made(recorded(STACK, FOUND).resources)
    assert expected
    assert made(record(STACK, GONE, preview=True).resources) == expected


def test_an_update_of_a_cluster_that_does_not_answer_fails() -> None:
    with pytest.raises(UnreadableClusterError, match=r"mesh (east|west): its API server does not answer"):
        record(STACK, GONE)


def test_the_sample_needs_no_answer() -> None:
    assert record(STACK | {"services": [ECHO]}, GONE).outputs["services"] == {
        "echo.demo.global": {"east": 1, "west": 1}
    }


def test_what_the_stack_runs_itself_waits_for_no_other_mesh() -> None:
    recording = recorded(STACK, FOUND)
    assert not [name for name in recording.after("echo.demo.east-callers") if "west" in name]


def test_a_service_that_cannot_be_exported_is_refused() -> None:
    udp = {"shop/web": {"spec": FOUND["shop/web"]["spec"] | {"ports": [HTTP | {"protocol": "UDP"}]}}}
    with pytest.raises(UnusableServicesError, match=r"services\[1\]: Service shop/web in mesh east: port 80 is UDP"):
        record(STACK, udp, preview=True)


def test_verify_may_call_what_may_be_probed() -> None:
    asked = recorded(STACK | {"services": [ECHO, WEB | {"probe": "none"}]}, FOUND).outputs["probes"]
    assert asked == {"echo.demo.global": {"ports": {"80": "http"}, "prefer": "weights"}}
