"""The limit of inotify instances: raised when the next cluster would exceed it, and then said."""

import ctypes
import os
from pathlib import Path

import pytest

from lab import inotify


@pytest.fixture
def used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a limit of 128 whose processes use 100 instances; returns the file of the limit."""
    descriptors = tmp_path / "processes/7/fd"
    descriptors.mkdir(parents=True)
    for number in range(100):
        (descriptors / str(number)).symlink_to("anon_inode:inotify")
    (descriptors / "100").symlink_to("socket:[7]")
    (limit := tmp_path / "limit").write_text("128\n")
    monkeypatch.setattr(inotify, "PROCESSES", tmp_path / "processes")
    monkeypatch.setattr(inotify, "LIMIT", limit)
    return limit


def said() -> list[str]:
    lines: list[str] = []
    inotify.make_room(lines.append)
    return lines


def test_it_is_raised_and_said_when_the_next_cluster_would_exceed_it(used: Path) -> None:
    assert said() == ["fs.inotify.max_user_instances: raised from 128 to 1024, as 100 are in use"]
    assert used.read_text() == "1024\n"
    assert said() == []


def test_it_is_left_alone_while_enough_are_left(used: Path) -> None:
    used.write_text("140\n")
    assert said() == []
    assert used.read_text() == "140\n"


def test_a_machine_that_does_not_allow_it_is_told_what_to_do(used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", refuse)
    assert said() == [
        "fs.inotify.max_user_instances: 100 of 128 are in use and it cannot be raised (Read-only file system): "
        "set it on the host"
    ]
    assert used.exists()


def test_the_instances_of_this_process_are_counted() -> None:
    descriptor = ctypes.CDLL(None).inotify_init()
    assert descriptor >= 0
    try:
        assert inotify._instances(Path(f"/proc/{os.getpid()}")) >= 1
    finally:
        os.close(descriptor)
