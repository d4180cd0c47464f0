"""What hardens a GKE cluster, under Pulumi's mocks: its options, and who reaches the gateway's ports."""

from pathlib import Path

import google_access
import pytest
from gke_stack import cluster, gke, inputs
from recording import Recording, address, recorded

from components.clusters.cluster import Exposure
from components.clusters.gke import security
from components.istio import PEER_PORT
from components.mesh import primary_remote

pytestmark = pytest.mark.timeout(300)  # whichever is first imports Google's SDK, which takes long on a busy machine


@pytest.fixture(autouse=True)
def _able(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    google_access.able(monkeypatch, tmp_path)


def test_the_data_plane_enforces_network_policies_and_an_existing_one_is_kept() -> None:
    recording = gke()
    assert recording["west-cluster"].inputs["datapathProvider"] == "ADVANCED_DATAPATH"
    assert "datapathProvider" in recording.ignored[recording["west-cluster"].urn]
    assert inputs("west-cluster", dataplane_v2=False)["datapathProvider"] == "LEGACY_DATAPATH"


def test_secrets_are_encrypted_with_a_key_that_is_named() -> None:
    key = "projects/a/locations/europe-west1/keyRings/b/cryptoKeys/c"
    assert inputs("west-cluster", secrets_key=key)["databaseEncryption"] == {"state": "ENCRYPTED", "keyName": key}
    assert "databaseEncryption" not in inputs("west-cluster")


def test_the_projects_policy_decides_on_images_if_it_is_asked() -> None:
    asked = gke(binary_authorization=True)
    mode = {"evaluationMode": "PROJECT_SINGLETON_POLICY_ENFORCE"}
    assert asked["west-cluster"].inputs["binaryAuthorization"] == mode
    assert asked["west-binaryauthorization"].inputs["service"] == "binaryauthorization.googleapis.com"
    assert inputs("west-cluster")["binaryAuthorization"] == {"evaluationMode": "DISABLED"}
    assert "west-binaryauthorization" not in gke().resources


def test_connections_are_logged_unless_told_otherwise() -> None:
    assert inputs("west-subnetwork")["logConfig"]["flowSampling"] == 0.5
    assert "logConfig" not in inputs("west-subnetwork", flow_logs=False)


def test_the_api_can_have_a_private_address_alone() -> None:
    assert inputs("west-cluster")["privateClusterConfig"]["enablePrivateEndpoint"] is False
    assert inputs("west-cluster", private_endpoint=True)["privateClusterConfig"]["enablePrivateEndpoint"] is True


def test_images_are_streamed_if_it_is_asked() -> None:
    streamed = [inputs("west-nodes", image_streaming=wanted)["nodeConfig"]["gcfsConfig"] for wanted in (True, False)]
    assert streamed == [{"enabled": True}, {"enabled": False}]


OWN = ["10.16.0.0/20", "10.17.0.0/16", "10.19.0.0/28"]


def peer_rules(recording: Recording) -> dict[str, tuple[int, list[str], bool]]:
    return {
        name: (rule.inputs["priority"], rule.inputs["sourceRanges"], "denies" in rule.inputs)
        for name in ("west-peers", "west-strangers")
        if (rule := recording.resources.get(name))
    }


def test_only_known_peers_reach_the_peer_port() -> None:
    east = cluster(location="us-central1-a")
    recording = recorded({"meshes": {"west": {"cluster": cluster()}, "east": {"cluster": east}}})
    assert peer_rules(recording) == {
        "west-peers": (800, [*OWN, f"{address('east-egress-address')}/32"], False),
        "west-strangers": (900, ["0.0.0.0/0"], True),
    }


def closed(recording: Recording) -> set[int]:
    """Return the ports that nobody reaches but those who may: the same two rules say both."""
    allowed, denied = recording["west-peers"].inputs["allows"], recording["west-strangers"].inputs["denies"]
    assert allowed == denied
    return {int(port) for rule in denied for port in rule["ports"]}


def test_every_port_of_the_gateways_service_is_closed_to_strangers_except_the_ingress() -> None:
    recording = recorded({"meshes": {"west": {"cluster": cluster()}, "east": {"cluster": cluster()}}})
    service = recording["west-gateway"].inputs["values"]["service"]["ports"]
    assert {port["port"] for port in service} - closed(recording) == {80}


def test_so_are_those_of_a_control_plane_for_other_clusters() -> None:
    exposure = Exposure(service="LoadBalancer")
    assert {port["port"] for port in primary_remote.istiod_ports(exposure)} <= {PEER_PORT, *security.ISTIOD_PORTS}


def test_a_peer_whose_addresses_are_not_known_leaves_the_ports_for_peers_open() -> None:
    meshes = {"west": {"cluster": cluster()}, "east": {"cluster": {"kind": "local"}}}
    recording = recorded({"meshes": meshes})
    assert peer_rules(recording)["west-peers"] == (800, OWN, False)
    assert closed(recording) == {15021}


def test_ranges_that_peers_come_from_can_be_told() -> None:
    meshes = {"west": {"cluster": cluster(peer_cidrs=["100.64.7.0/24"])}, "east": {"cluster": {"kind": "local"}}}
    assert peer_rules(recorded({"meshes": meshes}))["west-peers"][1][3:] == ["100.64.7.0/24"]


def test_clusters_that_admit_each_other_wait_for_addresses_alone() -> None:
    meshes = {name: {"cluster": cluster()} for name in ("west", "east")}
    recording = recorded({"meshes": meshes})
    made_before = {name for name in recording.after("west-peers") if name.startswith("east-")}
    assert not made_before & {"east-cluster", "east-nodes", "east-gateway"}
