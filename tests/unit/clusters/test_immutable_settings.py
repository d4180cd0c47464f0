"""What a cluster cannot change is refused in words, before anything is made of the change."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from components.clusters.ec2.settings import Ec2ClusterSettings
from components.clusters.gke.settings import GkeClusterSettings
from components.clusters.immutable import ImmutableSettingsProvider
from components.clusters.kinds import ClusterSettings

EC2 = {"kind": "ec2", "region": "eu-central-1", "api_cidrs": ["100.64.1.2/32"]}
GKE = {"kind": "gke", "project": "shop-123456", "location": "europe-west1-b", "api_cidrs": ["100.64.1.2/32"]}
VPC = {"id": "vpc-01234567", "private_subnets": ["subnet-0000000a"], "public_subnets": ["subnet-0000000b"]}


def kept(settings: dict[str, Any]) -> dict[str, Any]:
    """What is kept in the state of the cluster of a mesh `cloud`."""
    parsed = TypeAdapter(ClusterSettings).validate_python(settings)
    assert isinstance(parsed, (Ec2ClusterSettings, GkeClusterSettings))
    version = {"kubernetes_version": parsed.kubernetes_version} if isinstance(parsed, Ec2ClusterSettings) else {}
    return {"mesh": "cloud", "settings": parsed.immutable, "members": {}, **version}


def refused(was: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    return [failure.reason for failure in ImmutableSettingsProvider().check(was, wanted).failures]


@pytest.mark.parametrize("settings", [EC2, GKE])
def test_a_cluster_that_is_yet_to_be_made_may_have_any(settings: dict[str, Any]) -> None:
    assert refused({}, kept(settings)) == []


@pytest.mark.parametrize(
    ("settings", "key", "value"),
    [
        (EC2, "region", "eu-west-1"),
        (EC2, "availability_zones", 2),
        (EC2, "node_cidr", "10.64.0.0/16"),
        (EC2, "pod_cidr", "10.65.0.0/16"),
        (EC2, "service_cidr", "10.66.0.0/16"),
        (EC2 | {"node_cidr": "10.0.0.0/16"}, "vpc", VPC),
        (GKE, "project", "shop-654321"),
        (GKE, "location", "europe-west1"),
        (GKE, "private_nodes", False),
        (GKE, "node_cidr", "10.64.0.0/20"),
        (GKE, "pod_cidr", "10.65.0.0/16"),
        (GKE, "service_cidr", "10.66.0.0/20"),
        (GKE, "control_plane_cidr", "10.67.0.0/28"),
    ],
)
def test_a_change_that_makes_another_cluster_is_refused(settings: dict[str, Any], key: str, value: Any) -> None:
    [line] = refused(kept(settings), kept(settings | {key: value}))
    assert line.startswith(f"multimesh:meshes.cloud.cluster.{key}: ")


def test_the_message_names_the_key_both_values_and_the_way() -> None:
    assert refused(kept(GKE), kept(GKE | {"location": "europe-west4-a"})) == [
        "multimesh:meshes.cloud.cluster.location: 'europe-west4-a': cannot be changed: the cluster was created with "
        "'europe-west1-b', and another value would replace it and everything in it. Restore 'europe-west1-b', or add a "
        "new mesh, move your workloads and remove this one"
    ]


def test_every_change_is_refused_at_once() -> None:
    assert len(refused(kept(EC2), kept(EC2 | {"region": "eu-west-1", "pod_cidr": "10.65.0.0/16"}))) == 2


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        (EC2, {"api_cidrs": ["100.64.1.3/32"], "workers": {"nodes": 3}, "ami": "ami-01234567", "profile": "shop"}),
        (
            GKE,
            {"api_cidrs": ["100.64.1.3/32"], "nodes": 3, "machine_type": "e2-standard-4", "release_channel": "RAPID"},
        ),
    ],
)
def test_every_other_change_is_taken(settings: dict[str, Any], change: dict[str, Any]) -> None:
    assert refused(kept(settings), kept(settings | change)) == []


@pytest.mark.parametrize(("nodes", "lines"), [(1, 1), (1.0, 1), (3, 0), (5, 0)])
def test_control_plane_nodes_may_come_but_none_may_go(nodes: float, lines: int) -> None:
    had, wanted = (kept(EC2) | {"members": {"control_plane.nodes": number}} for number in (3, nodes))
    found = refused(had, wanted)
    assert len(found) == lines
    assert all(
        line.startswith("multimesh:meshes.cloud.cluster.control_plane.nodes: 1: cannot shrink below 3: ")
        for line in found
    )
    assert ImmutableSettingsProvider().diff("cloud", had, wanted).changes is (nodes != 3)


def test_what_an_earlier_version_did_not_keep_is_taken_in() -> None:
    earlier, now = {"mesh": "cloud", "settings": {"region": "eu-central-1"}}, kept(EC2)
    assert refused(earlier, now) == []
    assert ImmutableSettingsProvider().diff("cloud", earlier, now).changes is True
    assert ImmutableSettingsProvider().update("cloud", earlier, now).outs == now
    assert ImmutableSettingsProvider().diff("cloud", now, now).changes is False


def upgraded(had: str, wanted: str, upgradable: bool | None = True) -> list[str]:
    was = {"mesh": "cloud", "settings": {}, "members": {}, "kubernetes_version": had, "upgradable": upgradable}
    if upgradable is None:  # a state of an earlier version of this program
        del was["kubernetes_version"], was["upgradable"]
    return refused(was, {"mesh": "cloud", "settings": {}, "members": {}, "kubernetes_version": wanted})


@pytest.mark.parametrize(("had", "wanted"), [("1.36.3", "1.36.3"), ("1.36.3", "1.36.10"), ("1.36.3", "1.37.0")])
def test_kubernetes_may_get_the_next_version(had: str, wanted: str) -> None:
    assert upgraded(had, wanted) == []


def test_kubernetes_skips_no_minor_version() -> None:
    assert upgraded("1.35.9", "1.37.2") == [
        "multimesh:meshes.cloud.cluster.kubernetes_version: '1.37.2': must not skip a minor version; the cluster has "
        "1.35.9: set a version of 1.36 first, and run `pulumi up`"
    ]


@pytest.mark.parametrize(("had", "wanted"), [("1.36.10", "1.36.9"), ("1.37.0", "1.36.9")])
def test_kubernetes_does_not_become_older(had: str, wanted: str) -> None:
    assert upgraded(had, wanted) == [
        f"multimesh:meshes.cloud.cluster.kubernetes_version: '{wanted}': must not be older than {had}, which the "
        f"cluster has: set {had}"
    ]


def test_kubernetes_and_the_number_of_control_plane_nodes_change_one_after_the_other() -> None:
    def told(version: str, nodes: int) -> dict[str, Any]:
        members = {"control_plane.nodes": nodes}
        return {"mesh": "cloud", "settings": {}, "members": members, "kubernetes_version": version, "upgradable": True}

    assert refused(told("1.36.3", 1), told("1.36.3", 3)) == []
    assert refused(told("1.36.3", 1), told("1.37.2", 1)) == []
    assert refused(told("1.36.3", 1), told("1.37.2", 3)) == [
        "multimesh:meshes.cloud.cluster.kubernetes_version: '1.37.2': must not change together with "
        "control_plane.nodes: set 1.36.3, run `pulumi up`, and upgrade then"
    ]


def test_a_cluster_whose_nodes_do_not_upgrade_themselves_keeps_its_version() -> None:
    assert upgraded("", "1.37.2", upgradable=None) == []
    [line] = upgraded("", "1.37.3", upgradable=None)
    assert "cannot be changed: the cluster's nodes were made with 1.37.2 and do not upgrade themselves" in line
    assert "add a new mesh" in line


def test_what_nodes_can_do_is_known_from_the_run_that_made_them() -> None:
    provider = ImmutableSettingsProvider()
    wanted = {"mesh": "cloud", "settings": {}, "members": {}, "kubernetes_version": "1.37.2"}
    new = provider.check({}, wanted).inputs
    old = provider.check({"mesh": "cloud", "settings": {}, "members": {}}, wanted).inputs
    assert (new["upgradable"], old["upgradable"]) == (True, False)
    assert provider.check(old, wanted).inputs["upgradable"] is False
    assert provider.diff("cloud", old, {**old}).changes is False
    assert provider.diff("cloud", new, {**new, "kubernetes_version": "1.37.3"}).changes is True
