"""The control groups of a cluster, v1 and v2, in a folder that stands for /sys/fs/cgroup."""

import subprocess
from pathlib import Path

import pytest

from lab import cgroups
from lab.cgroups import StillRunningError

ID, OTHER = "mm000001", "mm000002"


@pytest.fixture
def v1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    for controller in ("freezer", "memory"):
        (tmp_path / controller).mkdir()
        (tmp_path / controller / "cgroup.procs").write_text("1\n")
    (tmp_path / "alias").symlink_to("memory")
    return tmp_path


@pytest.fixture
def v2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    for group in (tmp_path, tmp_path / "multimesh"):
        group.mkdir(exist_ok=True)
        (group / "cgroup.controllers").write_text("cpu memory\n")
    (tmp_path / "cgroup.procs").write_text("1\n")
    return tmp_path


def _put(group: Path, *pids: int) -> None:
    group.mkdir(parents=True, exist_ok=True)
    (group / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))


def test_v1_programs_start_in_the_freezer_hierarchy(v1: Path) -> None:
    assert cgroups.create(ID) == v1 / "freezer/multimesh" / ID / "node"


def test_v2_programs_start_in_the_one_hierarchy(v2: Path) -> None:
    assert cgroups.create(ID) == v2 / "multimesh" / ID / "node"


def test_v2_controllers_are_handed_down(v2: Path) -> None:
    cgroups.create(ID)
    written = [(group / "cgroup.subtree_control").read_text() for group in (v2, v2 / "multimesh")]
    assert written == ["+memory", "+memory"], "each controller by a write of its own, memory last"


def test_members_are_those_of_every_hierarchy(v1: Path) -> None:
    _put(v1 / "freezer/multimesh" / ID / "node", 10)
    _put(v1 / "memory/multimesh" / ID / "kubepods/pod1/container", 11, 12)
    assert cgroups.members(ID) == {10, 11, 12}


def test_members_of_a_part_are_no_others(v1: Path) -> None:
    _put(v1 / "freezer/multimesh" / ID / "node", 10)
    _put(v1 / "freezer/multimesh" / ID / "kubepods/pod1", 11)
    assert cgroups.members(ID, "kubepods") == {11}


def test_another_clusters_processes_are_no_members(v2: Path) -> None:
    _put(v2 / "multimesh" / OTHER / "node", 10)
    assert cgroups.members(ID) == set()


def test_a_process_that_is_not_in_the_group_any_more_is_not_ended(v2: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as bystander:
        _put(v2 / "multimesh" / ID / "node", bystander.pid)  # a pid that was given to somebody else meanwhile
        with pytest.raises(StillRunningError, match=str(bystander.pid)):
            cgroups.end(ID, timeout=0.1)
        alive = bystander.poll() is None
        bystander.kill()
    assert alive


def test_removing_takes_the_inner_groups_first(v1: Path) -> None:
    for hierarchy in ("freezer", "memory"):
        (v1 / hierarchy / "multimesh" / ID / "kubepods/pod1/container").mkdir(parents=True)
    cgroups.remove(ID)
    assert not list(v1.rglob("multimesh"))


def test_removing_leaves_another_clusters_groups(v2: Path) -> None:
    for id in (ID, OTHER):
        (v2 / "multimesh" / id / "node").mkdir(parents=True)
    cgroups.remove(ID)
    assert [group.name for group in (v2 / "multimesh").glob("*/")] == [OTHER]


def test_a_group_that_cannot_be_removed_is_named(v2: Path) -> None:
    _put(v2 / "multimesh" / ID / "node", 10)  # a file, unlike the kernel's, keeps a folder from being removed
    with pytest.raises(StillRunningError, match=f"multimesh/{ID}/node"):
        cgroups.remove(ID, timeout=0.05)


@pytest.mark.usefixtures("v1")
def test_removing_what_is_not_there_is_no_error() -> None:
    cgroups.remove(ID)
