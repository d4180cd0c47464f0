"""Look at sound stacks with `multimesh check`, which must find nothing, and measure it: python -m bench.sound.

Prints a line of Markdown for each topology. Progress goes to standard error. Destroys every cluster that it creates.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from lab.stack import Stack
from multimesh.check.made import Made, made
from multimesh.check.result import Outcome
from multimesh.check.run import check_stack
from multimesh.contract import VerifyOutputs

_RUNS = 3
"""Of the whole command, which also starts Python and asks Pulumi."""
_SETTLES = 60
"""Seconds after a stack was made in which something may still be said."""
_SINGLE = {"kind": "single-mesh"}
_ONE = {"control_plane": "one", "primary": "east"}
TOPOLOGIES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "multi-mesh": (["east", "west"], {"kind": "multi-mesh"}),
    "multi-mesh, 3 meshes": (["east", "north", "west"], {"kind": "multi-mesh"}),
    "gateways": (["east", "west"], _SINGLE | {"network": "gateways"}),
    "gateways, one control plane": (["east", "west"], _SINGLE | {"network": "gateways"} | _ONE),
    "flat": (["east", "west"], _SINGLE | {"network": "flat"}),
    "flat, one control plane": (["east", "west"], _SINGLE | {"network": "flat"} | _ONE),
    "single-cluster": (["east"], {"kind": "single-cluster"}),
}


def _show(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(
    topology: Annotated[list[str] | None, typer.Argument(help="Which.", show_default="all of them")] = None,
    looks: Annotated[int, typer.Option(min=1, help="How many looks at each.")] = 100,
) -> None:
    """Make a stack of each topology, and look at it."""
    print("| topology | looks | with something wrong | with anything but √ | a look, s | the command, s |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for name in topology or TOPOLOGIES:
        with (
            tempfile.TemporaryDirectory() as folder,
            Stack(Path(folder), _show, "sound").destroyed_at_the_end() as stack,
        ):
            os.environ.update(stack.environment)  # the looks read its locks
            _make(stack, *TOPOLOGIES[name])
            print(f"| {name} | {_row(stack, looks)} |", flush=True)


def _make(stack: Stack, meshes: list[str], topology: dict[str, Any]) -> None:
    def change(config: dict[str, Any]) -> None:
        config["multimesh:topology"] = topology
        config["multimesh:meshes"] = {mesh: {"cluster": {"kind": "local"}} for mesh in meshes}
        config["multimesh:services"][0]["meshes"] = dict.fromkeys(meshes, 50)

    stack.configure(change)
    stack.up()
    if findings := stack.settled():
        raise SystemExit(f"the stack is not sound: {findings}")
    # What was pushed to the proxies last may be seconds old, and only `check` counts single connections.
    deadline, outputs, state = time.monotonic() + _SETTLES, stack.outputs(), made(stack.state())
    while any(one.problems for one in _look(outputs, state)) and time.monotonic() < deadline:
        time.sleep(1)


def _look(outputs: VerifyOutputs, state: Made) -> list[Outcome]:
    return check_stack(outputs, state, [], [], lambda _: None)


def _row(stack: Stack, looks: int) -> str:
    outputs, state = stack.outputs(), made(stack.state())
    wrong, remarks, seconds = 0, 0, list[float]()
    for _ in range(looks):
        began = time.monotonic()
        outcomes = [one for one in _look(outputs, state) if one.problems]
        seconds.append(time.monotonic() - began)
        wrong += any(one.failed for one in outcomes)
        remarks += bool(outcomes)
        for one in outcomes:
            _show(f"{one.check.anchor}: {[(problem.where, problem.cause) for problem in one.problems]}")
    whole = [_command(stack) for _ in range(_RUNS)]
    return f"{looks} | {wrong} | {remarks} | {median(seconds):.1f} | {median(whole):.1f}"


def _command(stack: Stack) -> float:
    """Return the seconds of `multimesh check` itself."""
    began = time.monotonic()
    command = [sys.executable, "-m", "multimesh", "check", "--stack", stack.name]
    subprocess.run(command, cwd=stack.project, env=stack.environment, stdout=sys.stderr, check=False)
    return time.monotonic() - began


if __name__ == "__main__":
    typer.run(main)
