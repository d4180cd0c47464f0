"""A mesh per stack, as in examples/stacks: one stack owns the root CA, two meshes know each other by outputs.

Each of the three stacks has a passphrase of its own, so none can decrypt a secret of another.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from kubernetes.client import CustomObjectsApi

from lab.environment import CHECKOUT
from lab.stack import PulumiError, Stack
from tests.faults.load import load

EXAMPLES = CHECKOUT / "examples/stacks"
EAST_ALONE = {"echo.demo.global": {"east": 50}}
BOTH = {"echo.demo.global": {"east": 50, "west": 50}}
NO_WEST = "multimesh:peers: west is not up, so it is left out: run `pulumi up` again once it is"
WAITS = (
    "multimesh:trust.stack: trust is not up, so mesh east waits, and is not created yet: after this `pulumi up`, run "
    "one there and then one here"
)
NO_REQUEST = (
    "multimesh:trust.issues.west: stack west exports no request for the CA of west yet: run `pulumi up` there, here "
    "and there again"
)


class Lines(list[str]):
    """What Pulumi printed, which is shown, too."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__()
        self._show = show

    def add(self, line: str) -> None:
        self.append(line)
        self._show(line)


@pytest.fixture(scope="module")
def said(show: Callable[[str], None]) -> Lines:
    return Lines(show)


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory, said: Lines) -> Iterator[Stack]:
    """The stack that owns the root."""
    folder = tmp_path_factory.mktemp("stacks")
    with Stack(folder, said.add, "trust", EXAMPLES / "Pulumi.trust.yaml").destroyed_at_the_end() as stack:
        yield stack


@pytest.fixture(scope="module")
def stacks(trust: Stack, said: Lines) -> Iterator[tuple[Stack, Stack]]:
    """The two meshes' stacks, not up yet."""
    with ExitStack() as ends:
        made = [
            Stack(trust.project, said.add, name, EXAMPLES / f"Pulumi.{name}.yaml", beside=trust, own_passphrase=True)
            for name in ("east", "west")
        ]
        east, west = (ends.enter_context(stack.destroyed_at_the_end()) for stack in made)
        yield east, west


@pytest.fixture
def east(stacks: tuple[Stack, Stack]) -> Stack:
    return stacks[0]


@pytest.fixture
def west(stacks: tuple[Stack, Stack]) -> Stack:
    return stacks[1]


def answered_by(report: dict[str, Any]) -> list[set[str]]:
    return [{part["mesh"] for part in verdict["answered_by"] if part["count"]} for verdict in report["verdicts"]]


def once(said: Lines, line: str) -> bool:
    """Return whether Pulumi printed a line, and only one like it (in its progress, and among the diagnostics)."""
    return sum(line in one for one in said) in (1, 2)


def test_a_mesh_waits_for_its_ca_and_says_so_in_one_line(east: Stack, said: Lines) -> None:
    east.up()
    assert once(said, WAITS)
    outputs = east.all_outputs()
    assert outputs["meshes"] == {}
    assert outputs["requests"]["east"].startswith("-----BEGIN CERTIFICATE REQUEST-----")


def test_a_mesh_is_up_before_its_peer(trust: Stack, east: Stack, said: Lines) -> None:
    trust.up()
    assert once(said, NO_REQUEST)
    east.up()
    assert any(NO_WEST in line for line in said)
    assert east.outputs().services == EAST_ALONE
    report = east.verify()
    assert report["findings"] == []
    assert answered_by(report) == [{"east"}] * 3


def test_the_next_up_takes_in_a_peer_that_has_come(trust: Stack, east: Stack, west: Stack) -> None:
    for stack in (west, trust, west, east):
        stack.up()
    for stack in (east, west):
        assert stack.outputs().services == BOTH
        report = stack.verify()
        assert report["findings"] == []
        assert {verdict["mesh"] for verdict in report["verdicts"]} == {stack.name}, "only its own mesh is asked"
        assert answered_by(report) == [{"east", "west"}] * 3


def test_another_up_changes_nothing(trust: Stack, east: Stack, west: Stack) -> None:
    for stack in (trust, east, west):
        stack.up("--expect-no-changes")


def set_on_echo(stack: Stack, **settings: Any) -> None:
    stack.configure(lambda config: config["multimesh:services"][0].update(settings))


def test_a_peer_takes_over_no_service_that_is_not_taken_from_it(east: Stack, west: Stack, said: Lines) -> None:
    set_on_echo(west, meshes={"west": 1_000_000})
    set_on_echo(east, peers={})
    west.up()
    east.up()
    assert any("mesh west exports echo.demo.global with weight 1000000, and gets no request" in line for line in said)
    assert east.outputs().services == EAST_ALONE
    assert answered_by(east.verify()) == [{"east"}] * 3
    set_on_echo(east, peers={"west": 50})
    east.up()
    assert east.outputs().services == BOTH, "as much as east allows, whatever west says"
    set_on_echo(west, meshes={"west": 50})
    west.up()


def test_no_stack_keeps_a_key_or_a_kubeconfig_in_the_clear(trust: Stack, east: Stack, west: Stack) -> None:
    for stack in (trust, east, west):
        assert not re.findall(r"PRIVATE KEY|client-key-data", stack.state()), stack.name


def test_no_output_has_the_key_of_a_ca(trust: Stack, east: Stack, west: Stack) -> None:
    for stack in (trust, east, west):
        shown = {name: value for name, value in stack.all_outputs().items() if name != "kubeconfigs"}
        assert "PRIVATE KEY" not in json.dumps(shown), stack.name


def test_the_stack_that_signs_has_no_key_of_a_mesh_and_the_meshes_not_that_of_the_root(
    trust: Stack, east: Stack, west: Stack
) -> None:
    keys = {
        stack.name: {one["urn"].rpartition("::")[2] for one in resources(stack) if one["type"].endswith(":PrivateKey")}
        for stack in (trust, east, west)
    }
    assert keys == {"trust": {"root-key"}, "east": {"east-ca"}, "west": {"west-ca"}}


def test_no_stack_can_decrypt_the_state_of_another(trust: Stack, east: Stack) -> None:
    with pytest.raises(PulumiError, match="incorrect passphrase"):
        east.pulumi("stack", "export", "--stack", trust.name, "--show-secrets")


def resources(stack: Stack) -> list[dict[str, Any]]:
    return json.loads(stack.state())["deployment"]["resources"]


def test_a_peer_may_be_called_by_its_full_name(east: Stack) -> None:
    east.configure(lambda config: config.update({"multimesh:peers": ["organization/multimesh/west"]}))
    east.up("--expect-no-changes")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("multimesh:suffix", "example", "stacks west and east have different suffixes: example and global"),
        (
            "multimesh:trust",
            {},
            "multimesh:trust.root_generation: the meshes do not trust this root yet, so it cannot sign",
        ),
        (
            "multimesh:trust",
            {"stack": "east"},
            "multimesh:trust.stack: 'east': the root CA of that stack is of stack organization/multimesh/trust: "
            "set trust.stack to that one",
        ),
        (
            "multimesh:services",
            [{"name": "echo", "namespace": "demo", "port": 8080, "peers": {"east": 50}}],
            "stacks west and east export echo.demo.global at different ports: 8080 and 80",
        ),
        (
            "multimesh:meshes",
            {"west": {"cluster": {"kind": "local"}, "trust_domain": "east.mesh"}},
            "multimesh:meshes.west.trust_domain: 'east.mesh': must be west.mesh: "
            "stack trust issues the CA of west for it",
        ),
    ],
)
def test_a_contradiction_is_refused_at_preview(west: Stack, key: str, value: Any, message: str) -> None:
    kept: dict[str, Any] = {}

    def put_back(config: dict[str, Any]) -> None:
        config.clear()
        config.update(kept)

    west.configure(lambda config: kept.update(config))
    west.configure(lambda config: config.update({key: value, "multimesh:sample": False}))
    try:
        with pytest.raises(PulumiError, match=re.escape(message)):
            west.preview()
    finally:
        west.configure(put_back)


def test_a_destroyed_peer_is_not_missed(east: Stack, west: Stack) -> None:
    with load(east.outputs().meshes["east"].ingress_url) as requests:
        west.destroy()
    assert {request.outcome for request in requests.failures()} == set()


def test_the_next_up_leaves_no_dead_endpoint(east: Stack) -> None:
    east.up()
    assert east.outputs().services == EAST_ALONE
    with east.api("east") as api:
        entry: Any = CustomObjectsApi(api.api_client).get_namespaced_custom_object(
            "networking.istio.io", "v1", "istio-system", "serviceentries", "echo.demo.global"
        )
    assert [endpoint["locality"] for endpoint in entry["spec"]["endpoints"]] == ["east"]
    assert east.verify()["findings"] == []
