"""The command `multimesh verify`: what it asks, prints and returns."""

import json

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

import multimesh.__main__ as command
from multimesh import stack as stacks
from multimesh.contract import VerifyMeshOutputs, VerifyOutputs
from multimesh.stack import OutputsError
from multimesh.verify import run as verification
from multimesh.verify.answers import Answer, Failure, Outcome
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


class World:
    """Stands in for the stack and its meshes: every request is answered by `outcome`."""

    def __init__(self) -> None:
        self.outcome: Outcome = Answer("east", 1.0)
        self.outputs = OUTPUTS
        self.stacks: list[str | None] = []
        self.asked: list[str] = []
        self.pods = True

    def read_outputs(self, stack: str | None) -> VerifyOutputs:
        self.stacks.append(stack)
        if stack == "missing":
            raise OutputsError("no stack named 'missing' found")
        return self.outputs

    def ask_ingress(self, url: str, requests: int) -> list[Outcome]:
        self.asked.append(url)
        return [self.outcome] * requests

    def ask_from_pod(self, pod: str, url: str, requests: int) -> list[Outcome]:
        self.asked.append(f"{pod} -> {url}")
        return [self.outcome] * requests

    def echo_pod(self, kubeconfig: SecretStr) -> "World":
        self.kubeconfig = kubeconfig.get_secret_value()
        return self

    def __enter__(self) -> str:
        if not self.pods:
            raise InsideError("none of the 0 pods is ready")
        return f"pod by {self.kubeconfig}"

    def __exit__(self, *_: object) -> None:
        pass


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
