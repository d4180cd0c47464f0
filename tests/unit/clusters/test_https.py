"""HTTPS at the ingress of each kind of cluster: at which port clients reach it, and what lets them in."""

from pathlib import Path
from typing import Any

import google_access
import pytest
from ec2_stack import EC2, rules
from gke_stack import cluster as gke_cluster
from recording import Recording, recorded
from stack_settings import KUBECONFIG

from components.clusters.existing.cluster import exposure
from components.clusters.existing.settings import GatewaySettings

WEB = {"name": "echo", "namespace": "demo", "port": 80, "service_account": "echo", "ingress_hosts": ["shop.example"]}
GKE = gke_cluster()
EVERYWHERE = "0.0.0.0/0"
pytestmark = pytest.mark.timeout(300)  # whichever is first imports Google's SDK, which takes long on a busy machine


@pytest.fixture(autouse=True)
def _able(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    google_access.able(monkeypatch, tmp_path)


def made(cluster: dict[str, Any], **given: Any) -> Recording:
    return recorded({"meshes": {"east": {"cluster": cluster}}, "services": [WEB], **given})


def https(cluster: dict[str, Any]) -> Recording:
    return made(cluster, ingress={"tls": {"issuer": "root"}})


def port(recording: Recording) -> dict[str, Any] | None:
    ports = recording["east-gateway"].inputs["values"]["service"]["ports"]
    return next((port for port in ports if port["name"] == "https"), None)


@pytest.mark.parametrize(
    ("cluster", "url_ends_with", "node_port"),
    [
        ({"kind": "local"}, ":30443", 30443),
        (EC2, "", 30443),
        (GKE, "", None),
        (
            {
                "kind": "existing",
                "kubeconfig": KUBECONFIG,
                "gateway": {"service": "NodePort", "address": "192.0.2.7", "https_port": 443, "https_node_port": 31444},
            },
            "",
            31444,
        ),
    ],
    ids=["local", "ec2", "gke", "existing"],
)
def test_clients_reach_https(
    cluster: dict[str, Any], url_ends_with: str, node_port: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.preflight.check", lambda _settings: None)
    recording = https(cluster)
    about = recording.outputs["meshes"]["east"]
    assert about["https_url"] == f"https://{about['gateway_address']}{url_ends_with}"
    served = port(recording)
    assert served is not None
    assert (served["port"], served["targetPort"], served.get("nodePort")) == (443, 443, node_port)
    assert port(made(cluster)) is None


@pytest.mark.parametrize(
    ("gateway", "reached", "node_port"),
    [
        ({}, 443, None),
        ({"https_port": 8443}, 8443, None),
        ({"service": "NodePort", "address": "192.0.2.7"}, 30443, None),
        ({"service": "NodePort", "address": "192.0.2.7", "https_node_port": 31444}, 31444, 31444),
    ],
)
def test_an_existing_clusters_port_is_the_one_that_is_given(
    gateway: dict[str, Any], reached: int, node_port: int | None
) -> None:
    found = exposure(GatewaySettings.model_validate(gateway))
    assert (found.https_port, found.https_node_port) == (reached, node_port)


def test_ec2_lets_the_world_in_at_443_and_forwards_it_to_the_workers() -> None:
    recording = https(EC2)
    assert {source for sources in rules(recording, 443).values() for source in sources} == {EVERYWHERE}
    assert len(rules(recording, 30443)) == 1
    listener = recording["east-https-listener"].inputs
    assert (listener["port"], listener["protocol"]) == (443, "TCP")
    assert recording["east-https-targets"].inputs["port"] == 30443


def test_ec2_opens_nothing_more_without_it() -> None:
    recording = made(EC2)
    assert not rules(recording, 443)
    assert not rules(recording, 30443)
    assert not [name for name in recording.resources if "https" in name]


def test_gkes_firewall_leaves_the_port_to_the_world() -> None:
    denied = https(GKE)["east-strangers"].inputs["denies"]
    assert "443" not in [number for rule in denied for number in rule["ports"]]
