"""Another root CA under load, where three stacks with a passphrase each share it: docs/security.md, by hand."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from lab.stack import CHECKOUT, Stack
from tests.faults import load as loads
from tests.faults.figures import Figures
from tests.faults.load import load
from tests.faults.test_faults_9_trust import noted, rotate

EXAMPLES = CHECKOUT / "examples/stacks"
OWNED = {"issues": {"east": {}, "west": {}}}
"""What the stack with the root says of its trust besides."""
STEPS: list[dict[str, Any]] = [
    {"also_trusted": {"root_generation": 2}},
    {"root_generation": 2, "also_trusted": {"root_generation": 1}},
    {"root_generation": 2},
]


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory, show: Callable[[str], None]) -> Iterator[list[Stack]]:
    """The stack with the root, and those of the two meshes; all up."""
    with ExitStack() as ends:
        owner = Stack(tmp_path_factory.mktemp("stacks"), show, "trust", EXAMPLES / "Pulumi.trust.yaml")
        made = [owner] + [
            Stack(owner.project, show, name, EXAMPLES / f"Pulumi.{name}.yaml", beside=owner, own_passphrase=True)
            for name in ("east", "west")
        ]
        trust, east, west = (ends.enter_context(stack.destroyed_at_the_end()) for stack in made)
        for stack in (east, west, trust, east, west, east):
            stack.up()
        yield [trust, east, west]


def test_a_rotation_over_three_stacks_costs_no_request(
    stacks: list[Stack], figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loads, "AT_MOST", 850)
    trust, *meshes = stacks
    had = trust.all_outputs()["root_ca"]
    with load(meshes[0].outputs().meshes["east"].ingress_url) as requests:
        begun = time.monotonic()
        for step in STEPS:
            trust.configure(lambda config, step=step: config.update({"multimesh:trust": {**OWNED, **step}}))
            for stack in stacks:
                stack.up()
            assert [rotate(stack, "--check") for stack in meshes] == [0, 0]
        took = time.monotonic() - begun
    roots = {stack.all_outputs()["root_ca"] for stack in stacks}
    assert len(roots) == 1
    assert had not in roots
    noted(figures, "another root CA over three stacks", requests, begun, f"nine `up`s in {took:.0f} s")
    for stack in meshes:
        assert stack.settled() == []
        stack.up("--expect-no-changes")
