"""The command line of multimesh.

What a command needs is imported when it runs: the Kubernetes client alone takes seconds, and `--help` needs none of it.
"""

from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


class Output(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"


@app.callback()
def main() -> None:
    """Check the meshes of a stack that `pulumi up` made."""


@app.command()
def verify(
    stack: Annotated[
        str | None, typer.Option(help="Name of the Pulumi stack.", show_default="the selected one")
    ] = None,
    requests: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many requests to send to each mesh by each path.")
    ] = 100,
    output: Annotated[
        Output, typer.Option(help="A table, or one JSON object whose shape is the same in every release.")
    ] = Output.TABLE,
    confidence: Annotated[
        float,
        typer.Option(
            min=0.5, max=0.999999, help="1 minus the probability that the run fails although every split is right."
        ),
    ] = 0.999,
) -> None:
    """Send requests to every mesh, and check that each is answered, and by the meshes that the weights name.

    Path 1: the ingress of the mesh, asked from this machine.
    Paths 2 and 3: the short and the global name of the sample service, asked from a pod in the mesh.

    Exit code 0: every request was answered, and every split is as configured.
    Exit code 1: not so; each finding is one line.
    Exit code 2: the stack cannot be read, or there is nothing to ask.
    """
    from rich.console import Console

    from multimesh.stack import OutputsError, read_outputs
    from multimesh.verify.report import as_json, print_table
    from multimesh.verify.run import verify_stack

    errors = Console(stderr=True)
    try:
        with errors.status("reading the stack outputs") as status:
            report = verify_stack(read_outputs(stack), requests, confidence, status.update)
    except OutputsError as error:
        errors.print(f"multimesh verify: {error}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    if output is Output.JSON:
        typer.echo(as_json(report))
    else:
        print_table(report, Console())
    raise typer.Exit(1 if report.findings else 0)


if __name__ == "__main__":
    app(prog_name="multimesh")
