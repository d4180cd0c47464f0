"""`multimesh exposure`: who reaches what."""

from typing import Annotated

import typer

from multimesh.commands.options import Output, Stack, fail


def exposure(
    stack: Stack = None,
    output: Annotated[Output, typer.Option(help="A table, or JSON.")] = Output.TABLE,
) -> None:
    """Show who reaches what: for each exported port the callers that its policies admit, and who asks from outside.

    It is what the last `pulumi up` made; `multimesh check` says what somebody changed since.

    Exit code 2: the stack cannot be read, or an earlier version made it.
    """
    from rich.console import Console

    from multimesh.exposure import as_json, print_table
    from multimesh.stack import OutputsError, read_outputs

    try:
        found = read_outputs(stack).exposure
        if found is None:
            raise OutputsError("the stack's outputs do not say who reaches what: run `pulumi up`, which writes it")
    except OutputsError as error:
        fail("exposure", error)
    if output is Output.JSON:
        typer.echo(as_json(found))
    else:
        print_table(found, Console())
