"""What `check` reads of the machine on which a stack has its clusters: what the lab says, and the backend's locks."""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from multimesh.check import machine
from multimesh.check.machine import Machine, read_machine
from multimesh.check.made import Made

OWNER = "/checkout file:///state"
MADE = Made({}, [], "multimesh/local", {"mm000001": "local-east", "mm000002": "local-west"})
EAST = {"id": "mm000001", "name": "local-east", "owner": OWNER, "faults": []}
WEST = {"id": "mm000002", "name": "local-west", "owner": OWNER, "faults": ["kubelet is not running"]}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a lab that says what its file has, and a backend in a folder of it."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab/__init__.py").touch()
    (tmp_path / "lab/__main__.py").write_text("print(open('said').read())")
    says(tmp_path, EAST, WEST)
    monkeypatch.setattr(machine, "project", lambda: tmp_path)
    monkeypatch.setenv("PULUMI_BACKEND_URL", (tmp_path / "backend").as_uri())
    monkeypatch.setattr(sys, "executable", "python3")
    return tmp_path


def says(project: Path, *clusters: Any, **remains: list[str]) -> None:
    (project / "said").write_text(json.dumps({"clusters": clusters, "remains": remains}))


def locked(project: Path, **fields: Any) -> None:
    folder = project / "backend/.pulumi/locks/organization/multimesh/local"
    folder.mkdir(parents=True)
    said = {
        "pid": os.getpid(),
        "username": "root",
        "hostname": socket.gethostname(),
        "timestamp": "2026-11-26T12:00:00.1Z",
    }
    (folder / "1.json").write_text(json.dumps(said | fields))


def read(made: Made = MADE) -> Machine:
    found = read_machine(made)
    assert found
    return found


@pytest.mark.usefixtures("project")
def test_a_stack_without_clusters_here_has_nothing_on_this_machine() -> None:
    assert read_machine(Made({}, [], "multimesh/dev")) is None


@pytest.mark.usefixtures("project")
def test_what_does_not_run_is_told_by_cluster() -> None:
    assert read().faults == {"local-east": [], "local-west": ["kubelet is not running"]}


def test_a_cluster_that_the_lab_does_not_know_is_told(project: Path) -> None:
    says(project, EAST)
    assert read().faults["local-west"] == ["the lab has no such cluster"]


@pytest.mark.parametrize(
    ("other", "stray"),
    [
        ({"name": "local-north", "owner": OWNER}, True),
        ({"name": "local-north", "owner": "/elsewhere file:///state"}, False),
        ({"name": "test-north", "owner": OWNER}, False),
    ],
    ids=["of the stack", "of another checkout", "of another stack"],
)
def test_a_cluster_that_the_state_lacks_is_a_stray_if_the_stack_made_it(
    project: Path, other: dict[str, str], stray: bool
) -> None:
    says(project, EAST, WEST, {"id": "mm000003", "faults": [], **other})
    assert read().strays == ({"mm000003": "local-north"} if stray else {})


def test_remains_are_passed_on(project: Path) -> None:
    says(project, EAST, WEST, mm000009=["link"])
    assert read().remains == {"mm000009": ["link"]}


@pytest.mark.parametrize(
    ("fields", "runs"),
    [({}, True), ({"pid": 2**22 + 1}, False), ({"hostname": "elsewhere"}, None)],
    ids=["running", "ended", "elsewhere"],
)
def test_a_lock_tells_whether_its_process_runs(project: Path, fields: dict[str, Any], runs: bool | None) -> None:
    locked(project, **fields)
    [lock] = read().locks
    assert lock.runs is runs
    assert lock.holder.endswith("since 2026-11-26T12:00:00")


def test_a_lock_that_cannot_be_read_is_told(project: Path) -> None:
    locked(project)
    next(project.rglob("1.json")).write_text("{}")
    assert "locks of the stack cannot be read" in read().unseen[0]


@pytest.mark.usefixtures("project")
def test_a_backend_that_is_no_folder_shows_its_locks_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    assert read().locks == []


@pytest.mark.parametrize(
    ("program", "said"),
    [("raise SystemExit('no right to look')", "no right to look"), ("print('[]')", "it prints something else")],
)
def test_a_lab_that_does_not_tell_is_told(project: Path, program: str, said: str) -> None:
    (project / "lab/__main__.py").write_text(program)
    assert said in read().unseen[0]
