"""The command line of multimesh."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from multimesh.outputs import OutputsError, read_outputs
from multimesh.verify.report import as_json, print_table
from multimesh.verify.verify import verify as verify_stack

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


class Output(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"


@app.callback()
def main() -> None:
    """Look at a stack of federated meshes that `pulumi up` made."""


@app.command()
def verify(
    stack: Annotated[str | None, typer.Option(help="Stack to ask.", show_default="the selected one")] = None,
    requests: Annotated[int, typer.Option(min=1, max=10_000, help="Requests to each mesh by each path.")] = 100,
    output: Annotated[Output, typer.Option(help="A table, or a JSON object of a stable shape.")] = Output.TABLE,
    confidence: Annotated[
        float,
        typer.Option(min=0.5, max=0.999999, help="1 minus the chance that a run fails although every split is right."),
    ] = 0.999,
) -> None:
    """Send requests to every mesh, and check that each is answered, by the meshes that the weights name.

    Each mesh is asked through its ingress from here, and by the short and the global name of the sample service from a
    pod inside. Exit code 0: all answered and split as configured; 1: not so, a line per finding; 2: nothing to ask.
    """
    errors = Console(stderr=True)
    try:
        with errors.status("reading the outputs") as status:
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
