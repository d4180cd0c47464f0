"""`multimesh topology`: the meshes as a picture."""

from enum import StrEnum
from typing import Annotated

import typer

from multimesh.commands.options import Stack, fail


class Picture(StrEnum):
    """What a picture is made of."""

    SVG = "svg"
    HTML = "html"
    JSON = "json"


def topology(
    stack: Stack = None,
    output: Annotated[
        Picture, typer.Option(help="A picture, a page with the picture and tables, or JSON.")
    ] = Picture.SVG,
) -> None:
    """Draw the meshes of a stack and of its peers: gateways, services and who answers them, callers, and trust.

    It is what the last `pulumi up` made, from the stack's outputs alone; two runs print the same bytes.

    Exit code 2: the stack cannot be read.
    """
    from multimesh.stack import OutputsError, read_outputs
    from multimesh.topology import model

    try:
        picture = model.topology(read_outputs(stack))
    except OutputsError as error:
        fail("topology", error)
    if output is Picture.JSON:
        typer.echo(model.as_json(picture))
    elif output is Picture.HTML:
        from multimesh.topology.page import page

        typer.echo(page(picture), nl=False)
    else:
        from multimesh.topology.svg import svg

        typer.echo(svg(picture), nl=False)
