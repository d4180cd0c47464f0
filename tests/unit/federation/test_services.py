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


def made(recording: Recording, mesh: str = "east", service: str = "web.shop") -> set[str]:
    """Return the kinds of a service's objects in a mesh."""
    return {key.split()[0] for key in recording.service_objects(mesh) if f"/{service}.global" in key}


ROUTES = {"ServiceEntry", "DestinationRule", "VirtualService"}
ALL = {*ROUTES, "AuthorizationPolicy", "EnvoyFilter"}


def test_a_service_that_no_mesh_has_makes_nothing_and_the_others_are_made() -> None:
    recording = recorded(STACK)
    assert (made(recording), made(recording, service="echo.demo")) == (set(), ALL)
    assert recording.outputs["services"]["web.shop.global"] == {}
    assert "web.shop.global" not in recording.outputs["meshes"]["east"]["exports"]


def test_a_preview_of_a_cluster_that_does_not_answer_registers_what_an_update_will() -> None:
    assert made(recorded(STACK, FOUND)) == ALL
    assert made(record(STACK, GONE, preview=True)) == ALL


def test_an_update_of_clusters_that_do_not_answer_fails() -> None:
    with pytest.raises(UnreadableClusterError, match="no cluster answers for east, west, so what services have there"):
        record(STACK, GONE)


def left(
    found: dict[str, dict[str, Any]], stacks: dict[str, dict[str, Any]] | None = None, **settings: Any
) -> Recording:
    """Return what an update registers while west does not answer."""
    recording = Recording()
    with pytest.raises(UnreadableClusterError, match="no cluster answers for west, so what services have there"):
        record(STACK | settings, found | {"lost": {"gone": "west"}}, stacks, recording=recording)
    return recording


def test_a_mesh_that_does_not_answer_an_update_is_left_alone_and_the_others_get_theirs() -> None:
    recording = left(FOUND)
    assert (made(recording), made(recording, service="echo.demo")) == (ALL, ALL)
    assert "west-services" not in recording.resources


def test_what_only_a_silent_mesh_can_tell_is_as_it_was() -> None:
    of_west = WEB | {"meshes": {"west": 1}}
    export = {"port": 80, "ports": {"80": "grpc"}, "weight": 1, "service_account": "default"}
    before = {"test": {"meshes": {"west": {"trust_domain": "west.mesh", "exports": {"web.shop.global": export}}}}}
    entry = left(FOUND, before, services=[ECHO, of_west]).service_objects("east")[
        "ServiceEntry istio-system/web.shop.global"
    ]
    assert entry["ports"] == [{"number": 80, "name": "grpc-80", "protocol": "GRPC"}]


def test_a_silent_mesh_is_not_asked_for_what_it_did_not_export() -> None:
    recording = left(FOUND, {"test": {"meshes": {"west": {"trust_domain": "west.mesh", "exports": {}}}}})
    entry = recording.service_objects("east")["ServiceEntry istio-system/web.shop.global"]
    assert [endpoint["locality"] for endpoint in entry["endpoints"]] == ["east"]


def test_a_preview_of_an_added_mesh_shows_what_is_likely() -> None:
    added = {"added": {"unmade": "west-kubernetes"}}
    services = record(STACK, FOUND | added, preview=True).outputs["services"]
    assert services["web.shop.global"] == {"east": 1, "west": 1}


def test_a_control_plane_keeps_what_it_has_while_a_cluster_that_it_serves_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(primary_remote, "address_type", lambda _address: "IPv4")
    one = {"kind": "single-mesh", "control_plane": "one", "primary": "east", "network": "flat"}
    assert made(recorded(STACK | {"topology": one}, FOUND)) == ROUTES
    assert "east-services" not in left(FOUND, topology=one).resources


def test_the_sample_needs_no_answer() -> None:
    assert record(STACK | {"services": [ECHO]}, GONE).outputs["services"] == {
        "echo.demo.global": {"east": 1, "west": 1}
    }


def test_a_service_that_cannot_be_exported_is_refused() -> None:
    udp = {"shop/web": {"spec": FOUND["shop/web"]["spec"] | {"ports": [HTTP | {"protocol": "UDP"}]}}}
    with pytest.raises(UnusableServicesError, match=r"services\[1\]: Service shop/web in mesh east: port 80 is UDP"):
        record(STACK, udp, preview=True)


def test_verify_may_call_what_may_be_probed() -> None:
    asked = recorded(STACK | {"services": [ECHO, WEB | {"probe": "none"}]}, FOUND).outputs["probes"]
    assert asked == {"echo.demo.global": {"ports": {"80": "http"}, "prefer": "weights"}}
