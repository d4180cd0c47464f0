"""ALLOW policies of the owner's mean what they say: on a workload that nobody exports, and on one that is exported."""

import base64
import subprocess
from pathlib import Path

import pytest

from lab import network
from tests.e2e.peer import Issuer
from tests.e2e.shop.echoes import INSIDE, OUTSIDE, REQUESTS, Echoes, ask, ask_until, by_both
from tests.e2e.shop.kubectl import Kubectl
from tests.e2e.shop.shop import Shop

EXPORTED = "outbound_.80_._.narrow.shop.svc.cluster.local"
OF_SHOP = "ns/shop/sa/default"


def refused(echoes: Echoes) -> bool:
    """Whether every request was answered 403, and none by the application."""
    return echoes.values("StatusCode") == ["403"] * REQUESTS and not echoes.meshes


@pytest.mark.parametrize("service", ["private.shop", "narrow.shop"])
def test_a_caller_of_the_own_mesh_that_the_owner_does_not_admit_is_kept_out(kubectl: Kubectl, service: str) -> None:
    echoes = ask_until(refused, lambda: ask(kubectl, f"http://{service}/", caller=OUTSIDE))
    assert refused(echoes), echoes.text


def test_a_caller_that_the_owner_admits_is_answered_by_its_mesh(kubectl: Kubectl, mesh: str) -> None:
    echoes = ask_until(lambda echoes: bool(echoes.meshes), lambda: ask(kubectl, "http://private.shop/", caller=INSIDE))
    assert echoes.meshes == {mesh: REQUESTS}, echoes.text


def test_a_caller_that_the_owner_admits_is_answered_by_both_meshes(kubectl: Kubectl) -> None:
    echoes = ask_until(by_both, lambda: ask(kubectl, "http://narrow.shop.global/", caller=INSIDE))
    assert by_both(echoes), echoes.text


@pytest.mark.parametrize(
    ("caller", "workload", "port", "answered"),
    [
        ("east", "private", 8080, True),
        ("west", "private", 8080, False),
        ("west", "narrow", 8080, True),
        ("west", "narrow", 9090, False),
        ("east", "narrow", 9090, True),
    ],
)
def test_of_another_mesh_only_exported_ports_are_reached_also_without_the_gateway(
    shop: Shop, tmp_path: Path, caller: str, workload: str, port: int, answered: bool
) -> None:
    """The caller is in east's network, has an identity of a namespace that the owner admits, and forges the SNI."""
    with shop.stack.api(caller) as api:
        secret = api.read_namespaced_secret("cacerts", "istio-system").data or {}
    ca = [base64.b64decode(secret[name]) for name in ("ca-cert.pem", "ca-key.pem", "cert-chain.pem")]
    client = Issuer.load(*ca).issue(f"spiffe://{caller}.mesh/{OF_SHOP}", tmp_path)
    where = ["--namespace=shop", f"--selector=app={workload}", "--output=jsonpath={.items[0].status.podIP}"]
    pod = shop.kubectl["east"]("get", "pods", *where)
    assert reached(shop.stack.labs()["east"]["id"], pod, port, client) is answered


def reached(cluster: str, pod: str, port: int, client: Path) -> bool:
    """Return whether a pod answers 200 at a port, with the SNI of an exported service."""
    options = ["--silent", "--insecure", "--no-alpn", "--max-time", "5", "--cert", str(client)]
    options += ["--resolve", f"{EXPORTED}:{port}:{pod}", "--write-out", "%{http_code}", "--output", "/dev/null"]
    command = [*network.enter(cluster), "curl", *options, f"https://{EXPORTED}:{port}/"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout == "200"
