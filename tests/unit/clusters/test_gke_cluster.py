"""A GKE cluster under Pulumi's mocks: what it is made of, what closes it to strangers, and the order of its end."""

import json
from pathlib import Path
from typing import Any

import google_access
import pytest
import yaml
from gke_stack import gke, inputs
from hypothesis import given
from hypothesis import strategies as st
from recording import Recorded, Recording, address

from components.clusters.gke.names import account_id, labels

pytestmark = pytest.mark.timeout(300)  # whichever is first imports Google's SDK, which takes long on a busy machine
LABELS = {"project": "multimesh", "stack": "test", "mesh": "west"}


@pytest.fixture(autouse=True)
def _able(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    google_access.able(monkeypatch, tmp_path)


def of_google(recording: Recording) -> list[Recorded]:
    return [resource for resource in recording.resources.values() if resource.type.startswith("gcp:")]


def test_the_component_tree_is_as_reviewed(snapshot: Any) -> None:
    resources = gke().resources.values()
    tree = {resource.name: resource.type for resource in resources if ":GkeCluster::" in resource.parent}
    assert tree == snapshot


def test_all_is_made_in_the_configured_project_and_region() -> None:
    recording = gke()
    provider = recording["west-google"]
    assert (provider.inputs["project"], provider.inputs["region"]) == ("shop-123456", "europe-west1")
    for resource in of_google(recording):
        assert resource.provider.startswith(provider.urn), resource.name


def test_everything_that_can_carry_labels_carries_them() -> None:
    assert json.loads(inputs("west-google")["defaultLabels"]) == LABELS
    assert inputs("west-cluster")["resourceLabels"] == LABELS
    assert inputs("west-nodes")["nodeConfig"]["resourceLabels"] == LABELS
    for reserved in ("west-egress-address", "west-gateway-address"):
        assert inputs(reserved)["labels"] == LABELS


def test_apis_are_enabled_first_and_never_disabled() -> None:
    recording = gke()
    services = recording.of("projects/service:Service")
    assert {service.inputs["service"] for service in services} == {
        "cloudresourcemanager.googleapis.com",
        "compute.googleapis.com",
        "container.googleapis.com",
        "iam.googleapis.com",
    }
    assert {service.inputs["disableOnDestroy"] for service in services} == {False}
    for resource in of_google(recording):
        if resource not in services:
            assert {service.name for service in services} <= recording.after(resource.name), resource.name


def test_nothing_is_made_before_it_is_known_that_the_cluster_stays_the_same() -> None:
    recording = gke()
    for resource in of_google(recording):
        assert "west-settings" in recording.after(resource.name), resource.name


def test_the_cluster_is_vpc_native_with_the_ranges_that_are_configured() -> None:
    assert inputs("west-cluster")["networkingMode"] == "VPC_NATIVE"
    assert inputs("west-cluster")["ipAllocationPolicy"] == {
        "clusterSecondaryRangeName": "pods",
        "servicesSecondaryRangeName": "services",
    }
    subnetwork = inputs("west-subnetwork", node_cidr="10.40.0.0/24")
    assert subnetwork["ipCidrRange"] == "10.40.0.0/24"
    assert subnetwork["secondaryIpRanges"] == [
        {"rangeName": "pods", "ipCidrRange": "10.17.0.0/16"},
        {"rangeName": "services", "ipCidrRange": "10.18.0.0/20"},
    ]


def test_nodes_are_private_and_leave_by_a_reserved_address() -> None:
    private = inputs("west-cluster")["privateClusterConfig"]
    assert private == {
        "enablePrivateNodes": True,
        "enablePrivateEndpoint": False,
        "masterIpv4CidrBlock": "10.19.0.0/28",
    }
    assert inputs("west-nodes")["networkConfig"] == {"enablePrivateNodes": True}
    nat = inputs("west-nat")
    assert (nat["natIpAllocateOption"], nat["natIps"]) == ("MANUAL_ONLY", ["link of west-egress-address"])
    assert "west-nat" in gke().after("west-nodes"), "nodes need their way out from the start"


def test_public_nodes_have_no_nat_and_no_rule_for_a_control_plane_that_is_elsewhere() -> None:
    recording = gke(private_nodes=False)
    assert not {"west-nat", "west-router", "west-egress-address", "west-webhook"} & recording.resources.keys()
    assert "privateClusterConfig" not in recording["west-cluster"].inputs
    assert recording["west-nodes"].inputs["networkConfig"] == {"enablePrivateNodes": False}


def test_the_control_plane_alone_reaches_istiods_webhooks() -> None:
    rule = inputs("west-webhook", control_plane_cidr="10.50.0.0/28")
    assert rule["sourceRanges"] == ["10.50.0.0/28"]
    assert rule["allows"] == [{"protocol": "tcp", "ports": ["15017"]}]
    assert rule["targetServiceAccounts"] == ["email of west-nodes-account"]
    assert "west-webhook" in gke().after("west-istiod"), "istiod's webhook is called as soon as it is there"


def test_only_the_configured_networks_reach_the_api() -> None:
    assert inputs("west-cluster", api_cidrs=["100.64.1.2/32", "100.64.9.0/24"])["masterAuthorizedNetworksConfig"] == {
        "cidrBlocks": [{"cidrBlock": "100.64.1.2/32"}, {"cidrBlock": "100.64.9.0/24"}],
        "gcpPublicCidrsAccessEnabled": False,
    }


def test_nodes_are_shielded_and_have_no_identity_but_one_of_their_own() -> None:
    assert inputs("west-cluster")["enableShieldedNodes"] is True
    assert inputs("west-cluster")["workloadIdentityConfig"] == {"workloadPool": "shop-123456.svc.id.goog"}
    for resource in ("west-cluster", "west-nodes"):
        node = inputs(resource)["nodeConfig"]
        assert node["shieldedInstanceConfig"] == {"enableSecureBoot": True, "enableIntegrityMonitoring": True}
        assert node["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
        assert node["serviceAccount"] == "email of west-nodes-account"
        assert node["metadata"] == {"disable-legacy-endpoints": "true"}


def test_the_nodes_account_may_write_logs_and_metrics_and_nothing_else() -> None:
    (role,) = gke().of("projects/iAMMember:IAMMember")
    assert role.inputs["role"] == "roles/container.defaultNodeServiceAccount"
    assert role.inputs["member"] == "member west-nodes-account"


def test_two_nodes_are_in_a_pool_of_their_own() -> None:
    recording = gke()
    assert recording["west-cluster"].inputs["removeDefaultNodePool"] is True
    nodes = recording["west-nodes"].inputs
    assert (nodes["nodeCount"], nodes["nodeConfig"]["machineType"]) == (2, "e2-standard-2")
    assert nodes["management"] == {"autoRepair": True, "autoUpgrade": True}
    assert inputs("west-nodes", nodes=3, machine_type="n2-standard-4")["nodeCount"] == 3


def test_a_cluster_can_be_destroyed_unless_configured_otherwise() -> None:
    assert inputs("west-cluster")["deletionProtection"] is False
    assert inputs("west-cluster", deletion_protection=True)["deletionProtection"] is True


def test_it_follows_a_release_channel() -> None:
    assert inputs("west-cluster")["releaseChannel"] == {"channel": "REGULAR"}
    assert inputs("west-cluster", release_channel="STABLE")["releaseChannel"] == {"channel": "STABLE"}


def test_the_reserved_address_is_given_to_the_gateways_service() -> None:
    recording = gke()
    reserved = address("west-gateway-address")
    service = recording["west-gateway"].inputs["values"]["service"]
    assert (service["type"], service["loadBalancerIP"]) == ("LoadBalancer", reserved)
    assert recording.outputs["meshes"]["west"]["gateway_address"] == reserved
    assert recording.outputs["meshes"]["west"]["gateway_port"] == 15443
    assert recording.outputs["meshes"]["west"]["ingress_url"] == f"http://{reserved}"


def test_the_kubeconfig_is_a_secret_that_proves_itself_by_googles_plugin() -> None:
    recording = gke()
    assert "kubeconfig" in recording["west-kubernetes"].secrets
    assert recording.secret_outputs >= {"kubeconfigs"}
    document = yaml.safe_load(recording.outputs["kubeconfigs"]["west"])
    (at,) = document["clusters"]
    assert at["cluster"]["server"] == "https://endpoint of west-cluster"
    assert at["cluster"]["certificate-authority-data"] == "Q0E="
    (user,) = document["users"]
    assert user["user"]["exec"]["command"] == "gke-gcloud-auth-plugin"
    assert "gcloud components install gke-gcloud-auth-plugin" in user["user"]["exec"]["installHint"]


@pytest.mark.parametrize("until", ["west-nodes", "west-nat", "west-webhook", "west-nodes-role", "west-gateway-address"])
def test_the_gateways_service_is_deleted_while_what_it_needs_is_there(until: str) -> None:
    assert until in gke().after("west-gateway")


def test_the_gateways_service_is_deleted_and_not_given_up_with_the_cluster() -> None:
    recording = gke()
    assert recording["west-gateway"].deleted_with == ""
    skipped = {resource.name for resource in recording.resources.values() if resource.deleted_with}
    assert {"west-istiod", "west-base", "west-cacerts", "west-echo-deployment"} <= skipped
    assert {recording[name].deleted_with for name in skipped} == {recording["west-cluster"].urn}


@given(st.text(min_size=1), st.text(min_size=1))
def test_labels_are_what_google_allows_whatever_a_stack_is_called(project: str, stack: str) -> None:
    for value in labels(project, stack, "west").values():
        assert len(value) <= 63
        assert not set(value) - set("abcdefghijklmnopqrstuvwxyz0123456789-_")


def test_every_mesh_of_every_stack_has_its_own_service_account() -> None:
    ids = {account_id(*where) for where in (("p", "dev", "west"), ("p", "dev", "east"), ("p", "prod", "west"))}
    assert len(ids) == 3
    assert all(6 <= len(id) <= 30 for id in ids)


def test_nodes_keep_their_service_account_in_a_stack_of_another_name() -> None:
    recording = gke()
    assert recording.ignored[recording["west-nodes-account"].urn] == ["accountId"]
