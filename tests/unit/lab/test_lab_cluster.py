"""A cluster's life, as far as it can be told without one."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from lab import allocation, api, cluster, node, paths, pki, processes, programs
from lab.allocation import Allocation, NoSuchClusterError
from lab.processes import Process
from lab.programs import StartError

EAST = Allocation("mm000001", "east", 201, "pause", "coredns")

pytestmark = pytest.mark.usefixtures("empty_machine")


def _ignore(_line: str) -> None:
    pass


def test_a_failed_create_takes_away_what_it_made(monkeypatch: pytest.MonkeyPatch) -> None:
    destroyed: list[str] = []

    def fail(id: str, _report: cluster.Report) -> cluster.Cluster:
        raise StartError(id)

    monkeypatch.setattr(cluster, "start", fail)
    monkeypatch.setattr(cluster, "destroy", lambda id, _report: destroyed.append(id))
    with pytest.raises(StartError) as failure:
        cluster.create("east", _ignore)
    assert destroyed == [str(failure.value)]


@pytest.fixture
def destroyed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the clusters that were destroyed while another one was made."""
    destroyed: list[str] = []
    made = cluster.Cluster("mm000009", "east", "10.209.0.2", "10.209.128.0/17", "10.209.16.0/20", "")
    monkeypatch.setattr(cluster, "start", lambda _id, _report: made)
    monkeypatch.setattr(cluster, "destroy", lambda id, _report: destroyed.append(id))
    return destroyed


def test_what_a_killed_run_left_behind_goes_before_its_owner_gets_another(destroyed: list[str]) -> None:
    remains = allocation.allocate("east", owner="checkout")
    cluster.create("east", _ignore, owner="checkout")
    assert destroyed == [remains.id]


def test_a_cluster_of_the_same_name_but_of_another_owner_is_left_alone(destroyed: list[str]) -> None:
    for owner in ("another checkout", ""):
        allocation.allocate("east", owner)
    cluster.create("east", _ignore, owner="checkout")
    assert destroyed == []


def test_without_an_owner_nothing_is_taken_for_left_behind(destroyed: list[str]) -> None:
    allocation.allocate("east")
    cluster.create("east", _ignore)
    assert destroyed == []


def test_an_unknown_cluster_cannot_be_read() -> None:
    assert cluster.read("mm000000") is None


def test_a_cluster_that_never_started_cannot_be_read() -> None:
    assert cluster.read(allocation.allocate("east").id) is None


def test_a_cluster_is_read_though_it_does_not_run() -> None:
    given = allocation.allocate("east")
    pki.write(given)
    found = cluster.read(given.id)
    assert found
    assert (found.name, found.address) == ("east", given.address)


def test_an_unknown_cluster_is_a_fault() -> None:
    assert cluster.faults("mm000000") == ["mm000000: no such cluster"]


def test_every_program_of_a_dead_cluster_is_a_fault_that_names_its_pid() -> None:
    id = allocation.allocate("east").id
    Process(1, 0).write(paths.RUN / id / "processes" / "etcd")
    found = cluster.faults(id)
    assert found[0] == "etcd (pid 1) is not running"
    assert found[-1] == "its network is gone"
    assert len(found) == len(programs.NAMES) + 1


def test_starting_an_unknown_cluster_names_those_there_are() -> None:
    id = allocation.allocate("east").id
    with pytest.raises(NoSuchClusterError, match=id):
        cluster.start("mm000000", _ignore)


@pytest.mark.parametrize("id", ["", ".", "../other"])
def test_what_is_not_an_id_is_not_destroyed(id: str) -> None:
    with pytest.raises(NoSuchClusterError, match="mm and 6 hexadecimal digits"):
        cluster.destroy(id, _ignore)


def test_waiting_ends_with_the_log_of_the_program_that_ended() -> None:
    logs = EAST.folder / "logs"
    logs.mkdir(parents=True)
    (logs / "etcd.log").write_text("".join(f"line {number}\n" for number in range(100)))
    with pytest.raises(StartError, match=r"etcd is not running; no answer\n.*etcd\.log:\nline 85\n") as failure:
        programs.wait(EAST, lambda: "no answer", "etcd")
    assert str(failure.value).endswith("line 99\n")


def test_waiting_is_over_once_nothing_is_wrong() -> None:
    answers = iter(["not yet", ""])
    programs.wait(EAST, lambda: next(answers))


def test_waiting_does_not_last_for_ever() -> None:
    with pytest.raises(StartError, match="not yet"):
        programs.wait(EAST, lambda: "not yet", timeout=0)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    template = tmp_path / "template"
    (template / "snapshots").mkdir(parents=True)
    (template / "snapshots" / "envoy").write_text("large")
    (template / "meta.db").write_text("database")
    return template


def test_a_file_of_an_image_is_shared_with_the_template(images: Path, tmp_path: Path) -> None:
    node._copy_images(images, tmp_path / "containerd")
    assert (tmp_path / "containerd/snapshots/envoy").samefile(images / "snapshots/envoy")


def test_a_database_is_not_shared_with_the_template(images: Path, tmp_path: Path) -> None:
    node._copy_images(images, tmp_path / "containerd")
    (tmp_path / "containerd/meta.db").write_text("changed")
    assert (images / "meta.db").read_text() == "database"


def test_leftovers_of_an_interrupted_copy_are_made_anew(images: Path, tmp_path: Path) -> None:
    (tmp_path / "containerd.unfinished/half").mkdir(parents=True)
    node._copy_images(images, tmp_path / "containerd")
    assert sorted(path.name for path in (tmp_path / "containerd").iterdir()) == ["meta.db", "snapshots"]


def _api(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return httpx.Client(base_url=EAST.server, transport=httpx.MockTransport(answer))


def test_an_unready_api_server_is_one_line_of_its_failed_checks() -> None:
    text = "[+]ping ok\n[-]etcd failed: reason withheld\n[+]shutdown ok\nreadyz check failed"
    with _api(lambda _: httpx.Response(500, text=text)) as client:
        assert api.unready(client, "/readyz") == f"{EAST.server}/readyz: 500 [-]etcd failed: reason withheld"


def test_an_api_server_that_does_not_answer_is_named() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    with _api(refuse) as client:
        assert api.unready(client, "/readyz") == f"{EAST.server}/readyz: connection refused"


def test_a_node_whose_kubelet_does_not_answer_is_unready_whatever_its_condition_says() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/proxy/healthz"):
            return httpx.Response(503, text="no kubelet")
        return httpx.Response(200, json={"status": {"conditions": [{"type": "Ready", "status": "True"}]}})

    with _api(answer) as client:
        assert "no kubelet" in api.node_unready(client, EAST.id)


def test_a_manifest_is_applied_on_the_server_side_by_one_manager() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    with _api(answer) as client:
        assert api.apply(client, "/api/v1/x", {"kind": "X"}) == ""
    request = seen[0]
    assert (request.method, request.headers["Content-Type"]) == ("PATCH", "application/apply-patch+yaml")
    assert request.url.params["fieldManager"] == "multimesh-lab"
    assert json.loads(request.content) == {"kind": "X"}


def test_a_program_that_was_ended_is_gone_so_that_it_can_be_started_again(tmp_path: Path) -> None:
    for _ in range(20):  # a killed process lives on for a moment, now and then
        process = processes.start(["sleep", "60"], log=tmp_path / "log", cgroup=tmp_path, path="/usr/bin:/bin")
        process.write(paths.RUN / "mm000001/processes/etcd")
        programs.end("mm000001", "etcd")
        assert programs.fault("mm000001", "etcd") == f"etcd (pid {process.pid}) is not running"


def test_a_file_that_stays_the_same_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Because kube-proxy ends itself when its configuration is written, be it the same."""
    monkeypatch.setattr(node, "_copy_images", lambda _template, root: root.mkdir())
    given = allocation.allocate("east")
    node.prepare(given)
    written = {file: file.stat().st_mtime_ns for file in (given.folder / "config").rglob("*") if file.is_file()}
    assert given.folder / "config/kube-proxy.yaml" in written
    node.prepare(given)
    assert {file: file.stat().st_mtime_ns for file in written} == written
