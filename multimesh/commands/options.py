"""What commands have in common: which stack, how a result is printed, and how it is said that there is none."""

from enum import StrEnum
from typing import Annotated, NoReturn

import typer

Stack = Annotated[str | None, typer.Option(help="Name of the Pulumi stack.", show_default="the selected one")]


class Output(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"


def fail(name: str, error: Exception) -> NoReturn:
    """Say why a stack cannot be read, and end with exit code 2."""
    from rich.console import Console

    from multimesh.printable import printable

    said = "\n".join(map(printable, str(error).splitlines()))
    Console(stderr=True).print(f"multimesh {name}: {said}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(2)
