"""What is registered for services, by what the clusters tell."""

from typing import Any

import pytest
from recording import Recording, record, recorded

from components.federation.availability import UnusableServicesError
from components.federation.inventory import UnreadableClusterError
from components.mesh import primary_remote

LOCAL = {"cluster": {"kind": "local"}}
ECHO = {"name": "echo", "namespace": "demo", "port": 80, "service_account": "echo"}
WEB = {"name": "web", "namespace": "shop", "port": 80}
STACK = {"meshes": {"east": LOCAL, "west": LOCAL}, "services": [ECHO, WEB]}
HTTP = {"name": "http", "port": 80, "targetPort": 8080}
FOUND = {"shop/web": {"spec": {"clusterIP": "10.0.0.9", "selector": {"app": "web"}, "ports": [HTTP]}}}
GONE: dict[str, dict[str, Any]] = {"shop/web": {"gone": ".*"}}


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


def test_an_update_of_clusters_that_do_not_answer_fails() -> None:
    with pytest.raises(UnreadableClusterError, match="no cluster answers for east, west, so what services have there"):
        record(STACK, GONE)


def left(found: dict[str, dict[str, Any]], **settings: Any) -> Recording:
    """Return what an update registers while west does not answer."""
    recording = Recording()
    with pytest.raises(UnreadableClusterError, match="no cluster answers for west, so what services have there"):
        record(STACK | settings, found | {"lost": {"gone": "west"}}, recording=recording)
    return recording


def test_a_mesh_that_does_not_answer_an_update_is_left_alone_and_the_others_get_theirs() -> None:
    expected = {name for name in made(recorded(STACK, FOUND).resources) if name.startswith("east")}
    recording = left(FOUND)
    assert made(recording.resources) == expected
    [echo] = [name for name in recording.resources if name == "echo.demo.east-service-entry"]
    assert echo


def test_a_service_whose_protocol_only_a_silent_mesh_can_tell_is_left_alone() -> None:
    of_west = WEB | {"meshes": {"west": 1}}
    assert made(left(FOUND, services=[ECHO, of_west]).resources) == set()
    said = {key: value for key, value in of_west.items() if key != "port"}
    said["ports"] = [{"number": 80, "protocol": "http"}]
    assert "east-service-entry" in made(left(FOUND, services=[ECHO, said]).resources)


def test_a_control_plane_keeps_the_policies_of_a_cluster_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primary_remote, "address_type", lambda _address: "IPv4")
    one = {"kind": "single-mesh", "control_plane": "one", "primary": "east", "network": "flat"}
    assert "east-callers" in made(recorded(STACK | {"topology": one}, FOUND).resources)
    assert "east-callers" not in made(left(FOUND, topology=one).resources)


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
