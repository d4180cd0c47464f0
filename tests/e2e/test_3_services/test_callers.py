"""Who may call a service whose callers are a mesh and one namespace of another, and which of its ports."""

import base64
from pathlib import Path

import pytest

from tests.e2e.peer import Issuer
from tests.e2e.peer import ask as ask_gateway
from tests.e2e.shop import mixed
from tests.e2e.shop.echoes import INSIDE, OUTSIDE, REQUESTS, ask, ask_until, by_both
from tests.e2e.shop.kubectl import Kubectl, Pod
from tests.e2e.shop.shop import Shop

HOST = "guarded.shop.global"


@pytest.mark.parametrize("protocol", mixed.PROTOCOLS)
@pytest.mark.parametrize(("mesh", "caller"), [("east", OUTSIDE), ("east", INSIDE), ("west", INSIDE)])
def test_a_caller_is_answered_by_both_meshes(shop: Shop, mesh: str, caller: Pod, protocol: str) -> None:
    echoes = ask_until(by_both, lambda: mixed.ask(shop.kubectl[mesh], protocol, HOST, caller))
    assert by_both(echoes), echoes.text or echoes.meshes


@pytest.mark.parametrize("protocol", mixed.PROTOCOLS)
def test_another_namespace_of_the_mesh_is_not_answered(shop: Shop, protocol: str) -> None:
    assert mixed.refused(mixed.ask(shop.kubectl["west"], protocol, HOST, OUTSIDE))


@pytest.mark.parametrize("caller", [OUTSIDE, INSIDE])
def test_a_port_that_is_not_listed_stays_open_to_its_own_mesh(kubectl: Kubectl, mesh: str, caller: Pod) -> None:
    echoes = ask(kubectl, "http://guarded.shop:9000/", caller=caller)
    assert echoes.values("ServicePort") == ["9090"] * REQUESTS
    assert echoes.meshes == {mesh: REQUESTS}


@pytest.mark.parametrize("number", [9000, 9090])
def test_a_port_that_is_not_listed_is_closed_to_peers(shop: Shop, tmp_path: Path, number: int) -> None:
    try:
        answer = as_caller_of_west(shop, f"outbound_.{number}_._.guarded.shop.svc.cluster.local", tmp_path)
    except OSError:
        answer = b""
    assert not answer.startswith(b"HTTP/1.1 200")


def test_a_listed_port_with_a_named_target_is_open_to_peers(shop: Shop, tmp_path: Path) -> None:
    answer = as_caller_of_west(shop, "outbound_.80_._.guarded.shop.svc.cluster.local", tmp_path)
    assert answer.startswith(b"HTTP/1.1 200")


def as_caller_of_west(shop: Shop, sni: str, folder: Path) -> bytes:
    """Return what east's gateway answers to a request with the certificate of a caller in namespace shop of west."""
    outputs = shop.stack.outputs()
    east, west = outputs.meshes["east"], outputs.meshes["west"]
    with shop.stack.api("west") as api:
        secret = api.read_namespaced_secret("cacerts", "istio-system").data or {}
    ca = [base64.b64decode(secret[name]) for name in ("ca-cert.pem", "ca-key.pem", "cert-chain.pem")]
    client = Issuer.load(*ca).issue(f"spiffe://{west.trust_domain}/ns/shop/sa/default", folder)
    return ask_gateway((east.gateway_address, east.gateway_port), sni, outputs.root_ca, client)
