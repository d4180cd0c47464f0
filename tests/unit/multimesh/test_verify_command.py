"""The command `multimesh verify`: what it asks, prints and returns."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

import multimesh.__main__ as command
from multimesh import stack as stacks
from multimesh.contract import Probe, VerifyMeshOutputs, VerifyOutputs
from multimesh.stack import OutputsError
from multimesh.verify import run as verification
from multimesh.verify.answers import Answer, Failure, Outcome
from multimesh.verify.counters import CountersError, Endpoint, Snapshot
from multimesh.verify.inside import InsideError

MESH = VerifyMeshOutputs(
    ingress_url="http://gw/", gateway_address="gw", gateway_port=1, trust_domain="t", ca_expires=""
)
OUTPUTS = VerifyOutputs(
    meshes={"east": MESH, "west": MESH},
    root_ca="",
    root_ca_fingerprint="",
    services={"echo.demo.global": {"east": 1, "west": 0}},
    kubeconfigs={"east": SecretStr("key of east"), "west": SecretStr("key of west")},
)

DATABASE = {"db.shop.global": Probe(ports={5432: "tcp"}, prefer="weights")}
WITH_DATABASE = OUTPUTS.model_copy(
    update={
        "services": OUTPUTS.services | {"db.shop.global": {"east": 1}, "queue.shop.global": {"east": 1}},
        "probes": {"echo.demo.global": Probe(ports={80: "http"}, prefer="weights")} | DATABASE,
    }
)


class World:
    """Stands in for the stack and its meshes: every request is answered by `outcome`."""

    def __init__(self) -> None:
        self.outcome: Outcome = Answer("east", 1.0)
        self.outputs = OUTPUTS
        self.stacks: list[str | None] = []
        self.asked: list[str] = []
        self.pods = self.counters = True
        self.answering = "east"

    def read_outputs(self, stack: str | None) -> VerifyOutputs:
        self.stacks.append(stack)
        if stack == "missing":
            raise OutputsError("no stack named 'missing' found")
        return self.outputs

    def ask_ingress(self, url: str, requests: int) -> list[Outcome]:
        self.asked.append(url)
        return [self.outcome] * requests

    def ask_from_pod(self, pod: "Pod", url: str, requests: int) -> list[Outcome]:
        self.asked.append(f"{pod.name} -> {url}")
        if isinstance(self.outcome, Answer):
            pod.count("outbound|80||echo.demo.global", self.outcome.mesh, requests)
        return [self.outcome] * requests

    @contextmanager
    def echo_pod(self, kubeconfig: SecretStr) -> Iterator["Pod"]:
        if not self.pods:
            raise InsideError("none of the 0 pods is ready")
        yield Pod(self, f"pod by {kubeconfig.get_secret_value()}")


class Pod:
    """Stands in for a pod of the sample: every command prints nothing, and mesh `answering` is counted for it."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.counted: dict[str, dict[str, Endpoint]] = {}

    def count(self, cluster: str, mesh: str, requests: int) -> None:
        endpoints = self.counted.setdefault(cluster, {})
        before = endpoints[mesh].reached if mesh in endpoints else 0
        endpoints[mesh] = Endpoint(mesh, before + requests, before + requests, 0)

    def counters(self) -> Snapshot:
        if not self.world.counters:
            raise CountersError("Handshake status 403 Forbidden")
        return copy.deepcopy(self.counted)

    def together(self, commands: list[list[str]]) -> list[tuple[str, str]]:
        for _, url, count, *_ in commands:
            self.world.asked.append(f"{self.name} -> {url}")
            service, _, number = url.removeprefix("tcp://").partition(":")
            self.count(f"outbound|{number}||{service}", self.world.answering, int(count.removeprefix("--count=")))
        return [("a log", "")] * len(commands)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(stacks, "read_outputs", world.read_outputs)
    for name in ("ask_ingress", "ask_from_pod", "echo_pod"):
        monkeypatch.setattr(verification, name, getattr(world, name))
    return world


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(command.app, ["verify", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_short_name_is_not_asked_where_the_service_is_not_exported(world: World) -> None:
    world.outputs = OUTPUTS.model_copy(update={"services": {"echo.demo.global": {"east": 1}}})
    run()
    assert "pod by key of east -> http://echo.demo/" in world.asked
    assert "pod by key of west -> http://echo.demo/" not in world.asked


def test_every_mesh_is_asked_by_every_path(world: World) -> None:
    run("--stack", "dev")
    assert world.stacks == ["dev"]
    assert world.asked == [
        "http://gw/",
        "pod by key of east -> http://echo.demo/",
        "pod by key of east -> http://echo.demo.global/",
        "http://gw/",
        "pod by key of west -> http://echo.demo/",
        "pod by key of west -> http://echo.demo.global/",
    ]


@pytest.mark.usefixtures("world")
def test_a_right_split_is_exit_code_0() -> None:
    code, output, _ = run()
    assert (code, "passed: " in output) == (0, True)


def test_a_wrong_split_is_exit_code_1(world: World) -> None:
    world.outcome = Answer("west", 1.0)
    code, output, _ = run("--requests", "3")
    assert code == 1
    assert "  east, ingress: expected 0% from west (0 to 0 of 3 answers), seen 3" in output


def test_failed_requests_are_exit_code_1(world: World) -> None:
    world.outcome = Failure("503 Service Unavailable")
    assert run()[0] == 1


def test_a_mesh_without_pods_fails_inside_and_is_still_asked_from_outside(world: World) -> None:
    world.pods = False
    code, output, _ = run("--output", "json")
    failed = [(verdict["path"], verdict["errors"]) for verdict in json.loads(output)["verdicts"][:3]]
    reason = {"none of the 0 pods is ready": 100}
    assert code == 1
    assert failed == [("ingress", {}), ("short name", reason), ("global name", reason)]


@pytest.mark.usefixtures("world")
def test_a_missing_stack_is_exit_code_2_and_one_message() -> None:
    code, output, errors = run("--stack", "missing")
    assert (code, output, errors) == (2, "", "multimesh verify: no stack named 'missing' found\n")


@pytest.mark.usefixtures("world")
def test_json_is_all_that_is_printed() -> None:
    code, output, _ = run("--output", "json", "--requests", "7")
    report = json.loads(output)
    assert (code, report["passed"], report["requests"]) == (0, True, 7)


@pytest.mark.parametrize("arguments", [["--requests", "0"], ["--confidence", "1"], ["--output", "xml"]])
def test_options_out_of_range_are_exit_code_2(world: World, arguments: list[str]) -> None:
    assert run(*arguments)[0] == 2
    assert world.asked == []


@pytest.fixture
def database(world: World) -> World:
    """The world of a stack with a database beside the sample service, and with a queue that is not to be asked."""
    world.outputs = WITH_DATABASE
    return world


def report(*arguments: str) -> dict[str, Any]:
    return json.loads(run("--output", "json", *arguments)[1])


def test_every_service_is_asked_in_every_mesh(database: World) -> None:
    run()
    assert [asked for asked in database.asked if "db.shop" in asked] == [
        "pod by key of east -> tcp://db.shop.global:5432",
        "pod by key of west -> tcp://db.shop.global:5432",
    ]


@pytest.mark.usefixtures("database")
def test_services_that_answer_as_configured_are_exit_code_0() -> None:
    assert run()[0] == 0


def test_a_service_that_the_wrong_mesh_answers_is_exit_code_1(database: World) -> None:
    database.answering = "west"
    code, output, _ = run()
    assert code == 1
    assert "west, db.shop.global:5432: expected 100% to east (20 to 20 of 20), seen 0" in output


@pytest.mark.usefixtures("database")
def test_a_service_that_is_not_asked_is_listed() -> None:
    assert report()["not_asked"] == {"queue.shop.global": "probe: none"}


def test_one_service_can_be_chosen(database: World) -> None:
    assert run("--service", "db.shop")[0] == 0
    assert all("db.shop" in asked for asked in database.asked)


@pytest.mark.usefixtures("database")
def test_the_report_of_a_chosen_service_still_names_the_sample() -> None:
    chosen = report("--service", "db.shop")
    assert (chosen["service"], chosen["verdicts"], len(chosen["services"])) == ("echo.demo.global", [], 2)


@pytest.mark.usefixtures("database")
def test_an_unknown_service_is_exit_code_2() -> None:
    code, _, errors = run("--service", "orders")
    assert (code, "no service orders: the stack has db.shop.global" in errors) == (2, True)


def test_counters_that_cannot_be_read_are_one_finding_for_each_mesh(database: World) -> None:
    database.counters = False
    assert report()["findings"] == [
        f"{mesh}: who answers other services than echo.demo.global cannot be seen: Handshake status 403 Forbidden"
        for mesh in ("east", "west")
    ]


def test_counters_are_not_needed_for_the_sample_alone(world: World) -> None:
    world.counters = False
    assert run()[0] == 0


def test_a_mesh_without_pods_has_one_finding_for_all_services(database: World) -> None:
    database.pods = False
    findings = [finding for finding in report()["findings"] if "no service can be asked" in finding]
    assert findings == [f"{mesh}: no service can be asked: none of the 0 pods is ready" for mesh in ("east", "west")]


def test_counters_that_contradict_the_sample_are_found(database: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pod, "count", lambda *_: None)
    database.outcome = Answer("east", 1.0)
    assert any("contradict the sample service: answers east 100; counted none" in line for line in report()["findings"])
