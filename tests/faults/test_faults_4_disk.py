"""What becomes of a cluster when its disk is full: before it is there, and while it runs."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiException, CoreV1Api
from kubernetes.config import new_client_from_config_dict
from urllib3.exceptions import HTTPError

from lab import cluster, node, paths, programs
from lab.cluster import Cluster
from lab.containerd_template import TemplateError, unpack
from lab.oci import Image, archive_images
from lab.processes import CommandError, run
from tests.e2e import machine
from tests.faults.figures import Figures

SMALL = "100m"  # a disk that images do not fit on


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that is too small."""
    run("mount", "-t", "tmpfs", "-o", f"size={SMALL}", "multimesh-faults", str(tmp_path))
    yield tmp_path
    run("umount", str(tmp_path))


@pytest.mark.usefixtures("before")
def test_a_full_disk_is_said_clearly_and_leaves_nothing_of_a_cluster(
    disk: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures, show: Callable[[str], None], before: set[str]
) -> None:
    monkeypatch.setattr(paths, "STATE", disk / "multimesh")
    monkeypatch.setattr(node, "FIXED_FOLDERS", [])  # the last cluster of a disk takes them away, from all others, too
    with pytest.raises(CommandError, match="No space left on device") as refused:
        cluster.create("full", show)
    monkeypatch.undo()
    assert list(disk.iterdir()) == []
    assert machine.left_since(before | {f"mount {disk}"}) == []
    assert len(str(refused.value)) < 2000, "one look must do"
    figures.of_run("the disk full while a cluster is made", "No space left on device; nothing left")


def test_a_full_disk_is_said_clearly_while_images_are_unpacked(
    disk: Path, tmp_path_factory: pytest.TempPathFactory, figures: Figures
) -> None:
    folder = tmp_path_factory.mktemp("image")
    (folder / "base.tar").write_bytes(b"\0" * 1024)
    (folder / "large").write_bytes(os.urandom(60_000_000))  # twice on the disk: packed and unpacked
    image = Image("lab.multimesh/large:1", "/large", {"large": folder / "large"})
    archive = archive_images(folder / "images.tar", [image], folder / "base.tar")
    with pytest.raises(TemplateError, match=r"no space left on device"):
        unpack(archive, disk / "containerd")
    figures.of_run("the disk full while images are unpacked", "no space left on device")


@pytest.fixture
def cramped(show: Callable[[str], None]) -> Iterator[tuple[Cluster, Path]]:
    """A cluster whose etcd has a small disk of its own, and that disk."""
    made = cluster.create("cramped", show)
    folder = paths.STATE / made.id / "etcd"
    aside = folder.with_name("aside")
    try:
        programs.end(made.id, "kube-apiserver")
        programs.end(made.id, "etcd")
        folder.rename(aside)
        folder.mkdir()
        run("mount", "-t", "tmpfs", "-o", "size=200m", "multimesh-faults", str(folder))  # a new etcd takes 130
        run("cp", "--archive", f"{aside}/.", str(folder))
        shutil.rmtree(aside)
        cluster.start(made.id, show)
        yield made, folder
    finally:
        programs.end(made.id, "etcd")
        run("umount", str(folder))
        cluster.destroy(made.id, show)


def test_an_etcd_that_its_full_disk_ended_comes_back_with_its_data(
    cramped: tuple[Cluster, Path], figures: Figures, show: Callable[[str], None]
) -> None:
    made, disk = cramped
    with new_client_from_config_dict(yaml.safe_load(made.kubeconfig)) as connected:
        api: Any = CoreV1Api(connected)
        api.create_namespaced_config_map("default", {"metadata": {"name": "noted"}, "data": {"written": "before"}})
        filler = disk / "filler"
        with pytest.raises(OSError, match="No space left on device"), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 2**16)
        with pytest.raises((ApiException, HTTPError)):  # refused, or not answered
            for number in range(100):
                large = {"metadata": {"name": f"large-{number}"}, "data": {"a": "a" * 900_000}}
                api.create_namespaced_config_map("default", large, _request_timeout=10)
    deadline = time.monotonic() + 30
    while not programs.fault(made.id, "etcd") and time.monotonic() < deadline:
        time.sleep(0.5)
    assert any(fault.startswith("etcd") for fault in cluster.faults(made.id))

    filler.unlink()
    cluster.start(made.id, show)  # as `pulumi up` does
    assert cluster.faults(made.id) == []
    with new_client_from_config_dict(yaml.safe_load(made.kubeconfig)) as connected:
        kept: Any = CoreV1Api(connected).read_namespaced_config_map("noted", "default")
    assert kept.data == {"written": "before"}
    figures.of_run("etcd's disk full", "etcd ends; with room again, `up` brings it back with its data")
