"""What must last, with the real engine: no change and no other stack replaces it unasked."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.environment import CHECKOUT
from lab.stack import PulumiError, Stack

KEPT = {"location": "europe-west1-b", "nodes": 3}
REFUSED = (
    "multimesh:meshes.cloud.cluster.location: 'europe-west4-a': cannot be changed: the cluster was created with "
    "'europe-west1-b', and another value would replace it"
)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, show: Callable[[str], None]) -> Iterator[Stack]:
    """A root CA and the settings of a cluster, made."""
    with Stack(tmp_path_factory.mktemp("lasting"), show, "lasting").destroyed_at_the_end() as stack:
        stack.run_instead(CHECKOUT / "tests/e2e/lasting/program.py")
        configure(stack)
        stack.up()
        yield stack


def configure(stack: Stack, **others: Any) -> None:
    settings = {f"lasting:{key}": value for key, value in (KEPT | others).items()}
    stack.configure(lambda config: config.update(settings))


def root(stack: Stack) -> Any:
    return json.loads(stack._quietly("pulumi", "stack", "output", "--json", "--stack", stack.name))["root"]


def made(stack: Stack) -> dict[str, Any]:
    """What there is, by URN: its id."""
    return {resource["urn"]: resource.get("id") for resource in json.loads(stack.state())["deployment"]["resources"]}


@pytest.mark.parametrize(
    ("command", "change", "message"),
    [
        (("preview",), {"location": "europe-west4-a"}, REFUSED),
        (("up", "--yes", "--skip-preview"), {"location": "europe-west4-a"}, REFUSED),
        (
            ("preview",),
            {"nodes": 1},
            "cluster.control_plane.nodes: 1: cannot shrink below 3: these nodes are etcd members",
        ),
    ],
)
def test_a_change_that_would_lose_a_cluster_is_refused(
    lasting: Stack, command: tuple[str, ...], change: dict[str, Any], message: str
) -> None:
    before = made(lasting)
    configure(lasting, **change)
    try:
        with pytest.raises(PulumiError, match=re.escape(message)) as refused:
            lasting.pulumi(*command, "--stack", lasting.name)
    finally:
        configure(lasting)
    assert "Traceback" not in str(refused.value)
    assert made(lasting) == before


def test_a_stack_that_is_renamed_keeps_its_root(lasting: Stack) -> None:
    had = root(lasting)
    lasting.rename("renamed")
    lasting.up()
    assert root(lasting) == had


def test_a_cluster_that_moved_to_another_stack_is_kept_there(lasting: Stack, show: Callable[[str], None]) -> None:
    other = Stack(lasting.project, show, "other", beside=lasting)
    configure(other, location="europe-west4-a")
    with other.destroyed_at_the_end():
        [urn] = re.findall(r'"urn": "(\S+::cloud-settings)"', lasting.state())
        lasting.pulumi("state", "move", "--source", lasting.name, "--dest", other.name, "--yes", urn)
        with pytest.raises(PulumiError, match=re.escape(REFUSED)):
            other.preview()


def test_a_local_cluster_of_another_version_of_the_lab_is_refused(stack: Stack, tmp_path: Path) -> None:
    state = stack.state()
    [images] = {lab["inputs"]["images"] for lab in stack.labs().values()}
    stack.restore(state.replace(f'"{images}"', '"earlier"'), tmp_path)
    try:
        with pytest.raises(
            PulumiError, match=r"cluster e2e-(east|west) was made with images earlier of another version"
        ):
            stack.preview()
    finally:
        stack.restore(state, tmp_path)
