"""What a cluster of the lab is given."""

import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import allocation, paths
from lab.allocation import NUMBERS, Allocation, NoFreeNetworkError

pytestmark = pytest.mark.usefixtures("empty_machine")


def test_two_clusters_get_different_networks() -> None:
    first, second = allocation.allocate("a"), allocation.allocate("b")
    assert first.number != second.number


def test_two_clusters_of_one_name_are_told_apart() -> None:
    assert allocation.allocate("same").id != allocation.allocate("same").id


def test_what_was_allocated_is_found_again() -> None:
    made = allocation.allocate("east")
    assert allocation.find(made.id) == made


def test_a_cluster_of_a_newer_version_is_found_all_the_same() -> None:
    made = allocation.allocate("east")
    note = made.folder / "cluster.json"
    note.write_text(json.dumps(json.loads(note.read_text()) | {"what only a newer version knows": True}))
    assert allocation.find(made.id) == made


def test_a_cluster_that_was_given_away_is_not_left_behind_by_its_former_owner() -> None:
    made = allocation.allocate("one-west", "here")
    allocation.rename(made.id, "two-west", "there")
    assert allocation.left_behind("one-west", "here") is None
    assert allocation.left_behind("two-west", "there") == allocation.find(made.id)


def test_a_released_number_is_given_again() -> None:
    first = allocation.allocate("a")
    allocation.release(first.id, [])
    assert allocation.allocate("b").number == first.number


def test_a_network_that_a_route_overlaps_is_skipped() -> None:
    taken = [IPv4Network(f"10.{NUMBERS[0]}.4.0/24")]
    assert allocation.choose_number(taken) == NUMBERS[1]


def test_a_default_route_in_two_halves_takes_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    halves = [{"dst": "default"}, {"dst": "0.0.0.0/1"}, {"dst": "10.200.0.0/24"}]
    monkeypatch.setattr(allocation, "run", lambda *_: json.dumps(halves))
    assert allocation._routes() == [IPv4Network("10.200.0.0/24")]


def test_without_a_free_network_the_error_names_what_is_in_the_way() -> None:
    with pytest.raises(NoFreeNetworkError, match=r"10\.0\.0\.0/8"):
        allocation.choose_number([IPv4Network("10.0.0.0/8")])


@given(st.sampled_from(NUMBERS))
def test_the_networks_of_a_cluster_are_disjoint_and_its_own(number: int) -> None:
    cluster = Allocation("mm000000", "east", number, "pause", "coredns")
    node, services, pods = (
        IPv4Network(network) for network in (f"{cluster.gateway}/32", cluster.service_cidr, cluster.pod_cidr)
    )
    node = node.supernet(new_prefix=24)
    own = IPv4Network(f"10.{number}.0.0/16")
    assert all(network.subnet_of(own) for network in (node, services, pods))
    assert not (node.overlaps(services) or node.overlaps(pods) or services.overlaps(pods))


@pytest.mark.parametrize("id", ["", ".", "..", "mm12345", "mm1234567", "mm00000g", "mm000000/../x", "mm000000\n"])
def test_what_is_not_an_id_is_never_taken_for_one(id: str) -> None:
    assert not allocation.is_id(id)


def test_an_unknown_cluster_is_not_found() -> None:
    assert allocation.find("mm000000") is None


def test_a_folder_without_a_note_is_no_cluster() -> None:
    (paths.STATE / "mm000000").mkdir(parents=True)
    assert allocation.find_all() == []


def test_releasing_one_of_two_clusters_leaves_the_other() -> None:
    first, second = allocation.allocate("a"), allocation.allocate("b")
    allocation.release(first.id, [])
    assert allocation.find_all() == [second]


def test_the_last_cluster_takes_the_empty_shared_folders_with_it(tmp_path: Path) -> None:
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    (full / "file").mkdir(parents=True)
    allocation.release(allocation.allocate("a").id, [empty, full])
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_shared_folders_stay_while_another_cluster_lives(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    first, _ = allocation.allocate("a"), allocation.allocate("b")
    allocation.release(first.id, [shared])
    assert shared.exists()


def test_releasing_twice_is_no_error() -> None:
    id = allocation.allocate("a").id
    allocation.release(id, [])
    allocation.release(id, [])
