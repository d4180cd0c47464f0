"""Compare the program with the script, alternating: python -m bench.

Prints Markdown. Progress, and the output of what runs, go to standard error. Destroys every cluster that it creates.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import httpx
import typer

from bench import growth, latency, memory
from bench.by_hand import ByHand
from bench.figures import Aim, Figures, times, verdicts
from bench.rest import wait_for_rest
from bench.written import written
from lab import cluster
from lab.stack import PulumiError, Stack
from multimesh.verify.answers import cluster_of

ROUNDS = 3
SERVICES = (10, 100)
_ANSWER_SECONDS = 60

UP, SCRIPT = "`pulumi up` from nothing to the first cross-mesh answers", "script, the same"
AGAIN, SCRIPT_AGAIN = "no-op `pulumi up`", "script, run again"
PREVIEW = "`pulumi preview`, no changes"
P50, P50_SIMPLEST = "a request inside, p50", "a request inside by the simplest routes, p50"
DESTROY, SCRIPT_DOWN = "`pulumi destroy`", "script, teardown"
MORE = "`pulumi up` exporting {} more services"
WEIGHT = "`pulumi up` of another weight of one service, with {} more"
AGAIN_MORE, PREVIEW_MORE = f"{AGAIN}, with {{}} more", f"{PREVIEW}, with {{}} more"
SCRIPT_MORE = "kubectl applying the same for {}"
STATE = "kB of state written for each of {} more services"
MEMORY = "MiB of memory of {}, with {} more services"

AIMS = (
    Aim(UP, 1, SCRIPT),
    Aim(UP, 46),
    Aim(AGAIN, 0.7, SCRIPT_AGAIN),
    Aim(PREVIEW, 6),
    Aim(P50, 1.05, P50_SIMPLEST),
    Aim(MORE.format(400), 4.4, MORE.format(100)),
    Aim(MORE.format(200), 2, SCRIPT_MORE.format(200)),
    Aim(WEIGHT.format(400), 1.3, WEIGHT.format(10)),
    Aim(AGAIN_MORE.format(400), 1.5, AGAIN),
    Aim(PREVIEW_MORE.format(400), 1.5, PREVIEW),
    Aim(DESTROY, 2, SCRIPT_DOWN),
    Aim(STATE.format(200), 30, unit=" kB"),
    *(Aim(MEMORY.format(program, 400), 1.05, MEMORY.format(program, 10)) for program in memory.PROGRAMS),
)


class NoAnswerError(Exception):
    """A mesh got no answer from another one in time."""


def first_answers(stack: Stack) -> None:
    """Wait until every other mesh has answered at each ingress. Raises NoAnswerError."""
    meshes = stack.outputs().meshes
    end = time.monotonic() + _ANSWER_SECONDS
    for asked, mesh in meshes.items():
        missing = set(meshes) - {asked}
        while missing:
            if time.monotonic() > end:
                raise NoAnswerError(f"{asked}: no answer from {', '.join(sorted(missing))} in {_ANSWER_SECONDS} s")
            try:
                missing.discard(cluster_of(httpx.get(mesh.ingress_url, timeout=5, trust_env=False).text) or "")
            except httpx.HTTPError:
                time.sleep(0.05)


def measured(figures: Figures, what: str, run: Callable[[], None]) -> None:
    """Run it, record its duration, and print both that and the machine's load before."""
    load, start = os.getloadavg()[0], time.monotonic()
    run()
    figures.add(what, time.monotonic() - start)
    say(f"{figures.runs[what][-1]:7.1f} s  {what} (load before: {load:.1f})")


def say(line: str) -> None:
    """Print progress."""
    print(line, file=sys.stderr, flush=True)


def program(figures: Figures, folder: Path) -> None:
    """Run one round of the program: up, up again, preview, destroy."""
    folder.mkdir()
    stack = Stack(folder, say, "bench")

    def up() -> None:
        stack.up()
        first_answers(stack)

    labs = {}
    try:
        measured(figures, UP, up)
        labs = stack.labs()
        measured(figures, AGAIN, stack.up)
        measured(figures, PREVIEW, stack.preview)
        requests(figures, stack)
    finally:
        labs = labs or stack.labs()
        try:
            measured(figures, DESTROY, stack.destroy)
        except PulumiError:
            for lab in labs.values():
                cluster.destroy(lab["id"], say)
            raise


def requests(figures: Figures, stack: Stack) -> None:
    """Record the median duration of a request by the program's routes and by the simplest ones."""
    for what, seconds in zip((P50, P50_SIMPLEST), latency.p50s(stack), strict=True):
        figures.add(what, seconds)
        say(f"{seconds * 1000:7.2f} ms {what}")


def script(figures: Figures, folder: Path) -> None:
    """Run one round of the script: up, up again, teardown."""
    by_hand = ByHand(folder, say)
    try:
        measured(figures, SCRIPT, by_hand.up)
        measured(figures, SCRIPT_AGAIN, by_hand.up)
    finally:
        measured(figures, SCRIPT_DOWN, by_hand.down)


def grown_program(figures: Figures, folder: Path, services: int) -> None:
    """Measure one `pulumi up` that exports so many more services, on its own stack, and what follows with so many."""
    folder.mkdir()
    stack = Stack(folder, say, "bench")
    labs = {}
    try:
        stack.up()
        labs = stack.labs()
        more = growth.program(stack, services)
        wait_for_rest()
        with written(stack.backend) as state:
            measured(figures, MORE.format(services), more)
        figures.add(STATE.format(services), state.bytes / services / 1000)
        wait_for_rest()
        for program, mebibytes in memory.resident().items():
            figures.add(MEMORY.format(program, services), mebibytes)
        measured(figures, AGAIN_MORE.format(services), stack.up)
        measured(figures, PREVIEW_MORE.format(services), stack.preview)
        stack.configure(lambda settings: settings["multimesh:services"][-1].update(meshes={"east": 80, "west": 20}))
        measured(figures, WEIGHT.format(services), stack.up)
    finally:
        # Not by `pulumi destroy`: what is in the clusters, and their state in the folder, goes with them.
        for lab in (labs or stack.labs()).values():
            cluster.destroy(lab["id"], say)


def grown_script(figures: Figures, folder: Path, services: int) -> None:
    """Measure applying the objects for so many more services to the clusters of its own script."""
    by_hand = ByHand(folder, say)
    try:
        by_hand.up()
        measured(figures, SCRIPT_MORE.format(services), growth.script(by_hand, folder, services))
    finally:
        by_hand.down()


def machine() -> str:
    """Return a line that describes the machine and its load."""
    system = os.uname()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    loads = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {system.sysname} {system.release} {system.machine}; load {loads}"


def main(rounds: int = ROUNDS, services: Annotated[list[int] | None, typer.Option()] = None) -> None:
    """Measure and print the tables; `services` are the numbers of services that are added, by default 10 and 100."""
    figures = Figures({})
    facts = [f"Before: {machine()}"]
    try:
        with tempfile.TemporaryDirectory(prefix="multimesh-bench-") as folder:
            for round in range(rounds):
                program(figures, Path(folder) / f"program-{round}")
                script(figures, Path(folder) / f"script-{round}")
            for number in services or SERVICES:
                grown_program(figures, Path(folder) / f"program-{number}-more", number)
                grown_script(figures, Path(folder) / f"by-hand-{number}", number)
    finally:
        facts.append(f"After: {machine()}")
        print("\n\n".join([*facts, times(figures), verdicts(figures, AIMS)]))


if __name__ == "__main__":
    typer.run(main)
