"""What is left of clusters that are gone, on a machine of the test's own."""

from pathlib import Path

import pytest

from lab import allocation, cgroups, network, paths
from lab.remains import remains

pytestmark = pytest.mark.usefixtures("empty_machine")
GONE = "mm0000aa"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(network, "NAMESPACES", tmp_path / "netns")
    monkeypatch.setattr(network, "LINKS", tmp_path / "links")
    monkeypatch.setattr(cgroups, "ROOT", tmp_path / "cgroup")
    (tmp_path / "cgroup").mkdir()
    (tmp_path / "cgroup/cgroup.controllers").write_text("memory\n")
    return tmp_path


def traces(machine: Path, id: str) -> None:
    for entry in ("netns", "links"):
        (machine / entry / id).mkdir(parents=True)
    group = machine / "cgroup/multimesh" / id
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("7\n")


def test_every_kind_of_trace_is_found(machine: Path) -> None:
    traces(machine, GONE)
    (paths.RUN / GONE).mkdir(parents=True)
    assert remains() == {
        GONE: [f"folder {paths.RUN / GONE}", "network namespace", "link", "control groups with 1 process"]
    }


def test_what_a_cluster_has_is_not_left(machine: Path) -> None:
    traces(machine, allocation.allocate("east").id)
    assert remains() == {}


@pytest.mark.parametrize("name", ["mm", "mmap", "mm0000aax", "eth0"])
def test_what_cannot_be_a_clusters_is_not_the_labs(machine: Path, name: str) -> None:
    traces(machine, name)
    assert remains() == {}
