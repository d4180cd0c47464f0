"""The dynamic provider of local clusters, on a lab that is made up."""

import base64
from dataclasses import dataclass

import pytest
from pulumi.dynamic.dynamic import serialize_provider

from components.clusters.local.provider import LabProvider
from lab import cluster


@dataclass
class Lab:
    """Stands in for `lab.cluster`."""

    dead: list[str]
    calls: list[str]
    owners: list[str]


MADE = cluster.Cluster("mm000001", "test-east", "10.200.0.2", "10.200.128.0/17", "10.200.16.0/20", "kubeconfig")
MADE_FROM = {"name": "test-east", "images": "1", "flat": False}
STATE = {**MADE_FROM, "faults": []}


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    lab = Lab([], [], [])

    def start(id: str, _report: object, *, flat: bool) -> cluster.Cluster:
        lab.calls.append(f"start {id}" + " flat" * flat)
        return MADE

    def create(name: str, _report: object, owner: str, *, flat: bool) -> cluster.Cluster:
        assert not flat
        lab.calls.append(f"create {name}")
        lab.owners.append(owner)
        return MADE

    monkeypatch.setattr(cluster, "create", create)
    monkeypatch.setattr(cluster, "start", start)
    monkeypatch.setattr(cluster, "destroy", lambda id, _report: lab.calls.append(f"destroy {id}"))
    monkeypatch.setattr(cluster, "rename", lambda id, name, _owner: lab.calls.append(f"rename {id} {name}"))
    monkeypatch.setattr(cluster, "read", lambda id: MADE if id == MADE.id else None)
    monkeypatch.setattr(cluster, "faults", lambda _id: lab.dead)
    return lab


def test_a_cluster_is_created_under_its_name(lab: Lab) -> None:
    result = LabProvider().create(MADE_FROM)
    assert result.id == "mm000001"
    assert result.outs is not None
    assert result.outs["address"] == "10.200.0.2"
    assert lab.calls == ["create test-east"]


def test_stacks_of_one_name_in_two_backends_are_two_owners(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for backend in ("file:///one", "file:///two", "file:///two"):
        monkeypatch.setenv("PULUMI_BACKEND_URL", backend)
        LabProvider().create(MADE_FROM)
    assert len(set(lab.owners)) == 2


def test_a_living_cluster_is_left_alone(lab: Lab) -> None:
    assert lab.dead == []
    assert LabProvider().diff(MADE.id, STATE, STATE).changes is False


def test_a_cluster_that_died_is_brought_back_by_a_plain_up(lab: Lab) -> None:
    lab.dead = ["etcd (pid 123) is not running"]
    assert LabProvider().diff(MADE.id, STATE, STATE).changes is True
    assert LabProvider().update(MADE.id, STATE, STATE).outs == {
        "name": "test-east",
        "images": "1",
        "flat": False,
        "address": "10.200.0.2",
        "kubeconfig": "kubeconfig",
        "pod_cidr": "10.200.128.0/17",
        "service_cidr": "10.200.16.0/20",
        "faults": [],
    }
    assert lab.calls == ["start mm000001"]


def test_routes_are_changed_in_place(lab: Lab) -> None:
    flat = MADE_FROM | {"flat": True}
    result = LabProvider().diff(MADE.id, STATE, flat)
    assert (result.changes, result.replaces) == (True, None)
    outs = LabProvider().update(MADE.id, STATE, flat).outs
    assert outs is not None
    assert outs["flat"] is True
    assert lab.calls == ["start mm000001 flat"]


def test_a_cluster_that_an_earlier_version_made_is_left_alone(lab: Lab) -> None:
    earlier = {key: value for key, value in STATE.items() if key != "flat"}
    assert lab.dead == []
    assert LabProvider().diff(MADE.id, earlier, MADE_FROM).changes is False


def test_a_refresh_shows_what_died(lab: Lab) -> None:
    lab.dead = ["etcd (pid 123) is not running"]
    outs = LabProvider().read(MADE.id, STATE).outs
    assert outs is not None
    assert outs["faults"] == lab.dead


def test_a_cluster_that_is_gone_is_gone_from_the_state(lab: Lab) -> None:
    assert lab.dead == []
    assert LabProvider().read("mm999999", STATE).id is None


def test_other_images_are_refused(lab: Lab) -> None:
    assert LabProvider().check({}, MADE_FROM).failures == [], "of a cluster that is yet to be made"
    assert LabProvider().check(MADE_FROM, MADE_FROM).failures == []
    [failure] = LabProvider().check(MADE_FROM, MADE_FROM | {"images": "2"}).failures
    assert failure.reason == (
        "cluster test-east was made with images 1 of another version of the lab, but this version has 2: "
        "return to that version, or run `pulumi destroy` and then `pulumi up`"
    )
    assert lab.calls == []


def test_a_cluster_that_was_moved_to_another_stack_lives_on_under_that_ones_name(lab: Lab) -> None:
    moved = STATE | {"name": "other-east"}
    result = LabProvider().diff(MADE.id, STATE, moved)
    assert (result.changes, result.replaces) == (True, None)
    LabProvider().update(MADE.id, STATE, moved)
    assert lab.calls == ["rename mm000001 other-east", "start mm000001"]


def test_a_cluster_is_destroyed_by_its_id(lab: Lab) -> None:
    LabProvider().delete(MADE.id, STATE)
    assert lab.calls == ["destroy mm000001"]


def test_the_stored_provider_is_a_reference_and_no_code() -> None:
    stored = base64.b64decode(serialize_provider(LabProvider()))
    assert len(stored) < 200
    assert b"components.clusters.local" in stored
