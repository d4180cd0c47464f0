"""`multimesh check`: why a call does not arrive."""

from enum import StrEnum
from typing import Annotated

import typer

from multimesh.commands.options import Stack, fail


class CheckOutput(StrEnum):
    """How the outcomes of checks are printed."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


def check(
    stack: Stack = None,
    service: Annotated[
        list[str] | None,
        typer.Option(
            help="Look at this service alone: its global name, or <name>.<namespace>; may be repeated.",
            show_default="all of them",
        ),
    ] = None,
    from_: Annotated[
        list[str] | None,
        typer.Option("--from", help="Call from this mesh alone; may be repeated.", show_default="all of them"),
    ] = None,
    wait: Annotated[int, typer.Option(min=0, max=3600, help="Seconds to look again until nothing is wrong.")] = 0,
    output: Annotated[CheckOutput, typer.Option(help="Text, one JSON object, or JUnit's XML.")] = CheckOutput.TEXT,
) -> None:
    """Look for the reason why a call does not arrive: clusters, istiod, certificates, objects, gateways, services.

    Every check reads the live clusters of the stack; meshes of other stacks are seen from outside alone. The first
    problem is the likeliest cause of those after it. docs/check.md tells what each check looks at.

    Exit code 0: nothing is wrong; there may be warnings.
    Exit code 1: something is wrong; each problem says where, why, and what to do.
    Exit code 2: the stack cannot be read.
    """
    import time

    from rich.console import Console

    from multimesh.check import report
    from multimesh.check.cluster import in_parallel
    from multimesh.check.made import made
    from multimesh.check.run import check_stack
    from multimesh.stack import OutputsError, read_outputs, read_state

    errors = Console(stderr=True)
    deadline = time.monotonic() + wait
    try:
        with errors.status("reading the stack") as status:
            outputs, state = in_parallel([lambda: read_outputs(stack), lambda: made(read_state(stack))])
            while True:
                outcomes = check_stack(outputs, state, service or (), from_ or (), status.update)
                if not any(one.failed for one in outcomes) or time.monotonic() > deadline:
                    break
                time.sleep(1)
    except OutputsError as error:
        fail("check", error)
    if output is CheckOutput.JSON:
        typer.echo(report.as_json(outcomes))
    elif output is CheckOutput.JUNIT:
        typer.echo(report.as_junit(outcomes))
    else:
        report.print_outcomes(outcomes, Console())
    raise typer.Exit(1 if any(one.failed for one in outcomes) else 0)
