"""What an entry of `multimesh:services` may say of ports, preferences, retries and callers."""

from typing import Any

import pytest
from stack_settings import LOCAL, MESHES, single_mesh

from components import settings
from components.settings.service import ServiceSettings

PORT = "must be a port number from 1 to 65535"
PROTOCOL = (
    "must be one of http, http2, grpc, grpc-web, tcp, tls (https is tls; WebSocket is http; UDP and SCTP cannot be "
    "exported)"
)
DURATION = "must be a duration above 0: a whole number and ms, s, m or h, such as 2s"
ATTEMPTS = "must be a number of attempts from 0 to 10"
REASON = (
    "must be a status such as '503', or one of 5xx, gateway-error, reset, reset-before-request, connect-failure, "
    "refused-stream, retriable-4xx, cancelled, deadline-exceeded, internal, resource-exhausted, unavailable"
)
ON = "`on` must say what is sent again; with `attempts: 0` nothing is, and `on` is not allowed"
PREFER = "must be weights, local, or an order such as [east, west]"
CALLER = (
    "must be a mesh of this stack (east, west), <mesh>/ns/<namespace>, or <mesh>/ns/<namespace>/sa/<service account>; "
    "without the key every mesh may call"
)
ONCE = "an order must name each mesh once, and at least one"


def web(**given: Any) -> dict[str, Any]:
    """Return a stack that exports a service with these settings; `port=None` leaves the port out."""
    service = {key: value for key, value in ({"name": "web", "namespace": "shop", "port": 80} | given).items() if value}
    return {"meshes": MESHES, "services": [service | {key: given[key] for key in given if given[key] is not None}]}


def of_ports(*ports: Any) -> dict[str, Any]:
    return web(port=None, ports=list(ports))


def spanning(network: str = "flat", **given: Any) -> dict[str, Any]:
    return web(meshes={"east": 1, "west": 1}, **given) | {"topology": {"kind": "single-mesh", "network": network}}


BAD_INPUT = [
    # Ports
    (web(port=None), "ports: is missing; list the Service's ports"),
    (web(ports=[80]), "ports: and `port` say the same: give one of them"),
    (web(port=None, ports=[]), "ports: must list at least one port"),
    (web(port=None, ports="80"), "ports: '80': must be a list, such as [80]"),
    (web(port=None, ports={80: "http"}), "ports: must be a list"),
    (of_ports(0), f"ports[0].number: 0: {PORT}"),
    (of_ports("http"), f"ports[0].number: 'http': {PORT}"),
    (of_ports(80, 65536), f"ports[1].number: 65536: {PORT}"),
    (of_ports(80.5), f"ports[0].number: 80.5: {PORT}"),
    (of_ports(True), f"ports[0].number: true: {PORT}"),
    (of_ports("80"), f"ports[0].number: '80': {PORT}, without quotes"),
    (of_ports(None), "ports[0]: is empty: give it a value, or remove it"),
    (of_ports({}), "ports[0].number: is missing"),
    (of_ports({"number": 80, "port": 80}), "ports[0].port: unknown key; allowed: number, protocol"),
    (of_ports({"number": 80, "targetPort": 8080}), "ports[0].targetPort: unknown key; allowed: number, protocol"),
    (of_ports(80, 80), "ports: must list each port once, not 80 twice"),
    (of_ports(80, {"number": 80, "protocol": "http"}), "ports: must list each port once, not 80 twice"),
    (of_ports({"number": 80, "protocol": "https"}), f"ports[0].protocol: 'https': {PROTOCOL}"),
    (of_ports({"number": 80, "protocol": "HTTP"}), "ports[0].protocol: 'HTTP': must be in lower case: http"),
    (of_ports({"number": 53, "protocol": "udp"}), f"ports[0].protocol: 'udp': {PROTOCOL}"),
    (of_ports({"number": 5432, "protocol": "postgres"}), f"ports[0].protocol: 'postgres': {PROTOCOL}"),
    (of_ports({"number": 80, "protocol": 7}), f"ports[0].protocol: 7: {PROTOCOL}"),
    # Preferences
    (web(prefer="east"), f"prefer: 'east': {PREFER}"),
    (web(prefer="Local"), f"prefer: 'Local': {PREFER}"),
    (web(prefer=True), f"prefer: true: {PREFER}"),
    (web(prefer={"east": 1}), f"prefer: {PREFER}"),
    (web(prefer=[]), f"prefer: {ONCE}"),
    (web(prefer=["east", "east"]), f"prefer: {ONCE}"),
    (web(prefer=["east", "north"]), "prefer: an order must be of meshes of this stack (east, west), not north"),
    (web(prefer=["east", 7]), "prefer: an order must be of meshes of this stack (east, west), not 7"),
    (
        web(prefer=["west", "east"], meshes={"east": 1}),
        "prefer: an order must not name west, which has no weight above 0 in `meshes`",
    ),
    (
        web(prefer=["west", "east"], meshes={"east": 1, "west": 0}),
        "prefer: an order must not name west, which has no weight above 0 in `meshes`",
    ),
    (
        web(prefer="local", split="weighted"),
        "split: 'weighted': divides requests by weight and has no failover: remove it, or prefer",
    ),
    (
        web(prefer=["east"], split="weighted"),
        "split: 'weighted': divides requests by weight and has no failover: remove it, or prefer",
    ),
    (
        spanning("gateways", prefer="local", ingress_hosts=["shop.example"]),
        "prefer: 'local': the gateways of a single mesh divide requests from outside evenly: remove it, or "
        "ingress_hosts",
    ),
    (
        spanning("gateways", prefer=["west"]),
        "prefer: through the gateways of a single mesh no other cluster can be preferred: use local, or network: flat",
    ),
    # Timeouts and retries
    (web(timeout=2), f"timeout: 2: {DURATION}"),
    (web(timeout="2"), f"timeout: '2': {DURATION}"),
    (web(timeout="0s"), f"timeout: '0s': {DURATION}"),
    (web(timeout="1.5s"), f"timeout: '1.5s': {DURATION}"),
    (web(timeout="2 s"), f"timeout: '2 s': {DURATION}"),
    (web(retries=3), "retries: 3: must be a mapping"),
    (web(retries={"on": ["reset"]}), "retries.attempts: is missing"),
    (web(retries={"attempts": 2}), f"retries: {ON}"),
    (web(retries={"attempts": 0, "on": ["reset"]}), f"retries: {ON}"),
    (web(retries={"attempts": -1, "on": ["reset"]}), f"retries.attempts: -1: {ATTEMPTS}"),
    (web(retries={"attempts": 11, "on": ["reset"]}), f"retries.attempts: 11: {ATTEMPTS}"),
    (web(retries={"attempts": "2", "on": ["reset"]}), f"retries.attempts: '2': {ATTEMPTS}, without quotes"),
    (web(retries={"attempts": 2, "on": "reset"}), "retries.on: 'reset': must be a list, such as [reset]"),
    (web(retries={"attempts": 2, "on": ["always"]}), f"retries.on[0]: 'always': {REASON}"),
    (web(retries={"attempts": 2, "on": ["reset", 503]}), f"retries.on[1]: 503: {REASON}"),
    (web(retries={"attempts": 2, "on": ["200"]}), f"retries.on[0]: '200': {REASON}"),
    (
        web(retries={"attempts": 2, "on": ["reset"], "perTryTimeout": "1s"}),
        "retries.perTryTimeout: unknown key; allowed: attempts, on",
    ),
    # Callers and probes
    (web(callers=["west/ns/Shop"]), f"callers[0]: 'west/ns/Shop': {CALLER}"),
    (web(callers=["west/ns/"]), f"callers[0]: 'west/ns/': {CALLER}"),
    (web(callers=["west/ns/shop/"]), f"callers[0]: 'west/ns/shop/': {CALLER}"),
    (web(callers=["west/ns/shop/sa"]), f"callers[0]: 'west/ns/shop/sa': {CALLER}"),
    (web(callers=["west/ns/*"]), f"callers[0]: 'west/ns/*': {CALLER}"),
    (web(callers=["north/ns/shop"]), f"callers[0]: 'north/ns/shop': {CALLER}"),
    (web(probe="never"), "probe: 'never': allowed: 'call' or 'none'"),
    (web(probe=False), "probe: false: allowed: 'call' or 'none'"),
]


@pytest.mark.parametrize(("raw", "message"), BAD_INPUT, ids=[message[:60] for _, message in BAD_INPUT])
def test_a_mistake_in_a_service_is_named(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate(raw)
    assert str(caught.value).splitlines()[1:] == [f"  multimesh:services[0].{message}"]


def test_an_order_of_three_clusters_is_refused_in_a_single_mesh() -> None:
    three = {"east": LOCAL, "north": LOCAL, "west": LOCAL}
    service = {"name": "web", "namespace": "shop", "port": 80, "prefer": ["east", "west"]}
    with pytest.raises(settings.SettingsError, match="only the first cluster can be preferred"):
        settings.validate(single_mesh() | {"meshes": three, "services": [service]})


def taken(**given: Any) -> ServiceSettings:
    (service,) = settings.validate(web(**given)).services
    return service


def test_one_port_and_several_are_written_each_in_its_way() -> None:
    assert taken().protocols == {80: None}
    several = taken(port=None, ports=[80, {"number": 5432, "protocol": "tcp"}])
    assert several.protocols == {80: None, 5432: "tcp"}


@pytest.mark.parametrize("prefer", ["weights", "local", ["west"], ["east", "west"]])
def test_a_preference_is_taken(prefer: Any) -> None:
    assert taken(prefer=prefer).prefer == prefer


def test_an_order_may_name_meshes_of_peers() -> None:
    (service,) = settings.validate(web(prefer=["north", "east"]) | {"peers": ["other"]}).services
    assert service.prefer == ["north", "east"]


@pytest.mark.parametrize(
    ("retries", "istios"),
    [
        ({"attempts": 0}, {"attempts": 0}),
        ({"attempts": 2, "on": ["reset", "503"]}, {"attempts": 2, "retryOn": "reset,503"}),
    ],
)
def test_retries_are_written_as_istio_takes_them(retries: dict[str, Any], istios: dict[str, Any]) -> None:
    found = taken(retries=retries).retries
    assert found
    assert found.as_istio == istios


@pytest.mark.parametrize("caller", ["west", "west/ns/shop", "west/ns/shop/sa/web", "west/ns/shop/sa/web.front"])
def test_a_mesh_a_namespace_and_an_account_may_call(caller: str) -> None:
    assert taken(callers=[caller]).callers == [caller]
