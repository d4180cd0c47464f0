"""`multimesh rotate-root`: one root CA after another."""

from pathlib import Path
from typing import Annotated

import typer

from multimesh.commands.options import Stack


def rotate_root(
    stack: Stack = None,
    certificate: Annotated[
        Path | None,
        typer.Option(help="PEM file of the new root, if it is your own.", show_default="a root that the stack creates"),
    ] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file of its key.")] = None,
    restart: Annotated[
        bool, typer.Option(help="Restart workloads whose proxies get what they need in no other way.")
    ] = False,
    check: Annotated[
        bool, typer.Option(help="Change no configuration: see whether every proxy has what the stack states.")
    ] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for proxies, and for peers, at each step.")] = 300,
) -> None:
    """Replace the root CA in three steps, without a failed request; or, with --check, see what the proxies have.

    1: every mesh trusts both roots. 2: every mesh signs with the new one. 3: the former one is dropped. Each changes
    multimesh:trust in the configuration and runs `pulumi up`. Before the next, every proxy of the stack is asked what
    it trusts and which certificate it has. Run it again after an interruption: it goes on where it was.

    Exit code 0: done. Exit code 1: it waits for what it names. Exit code 2: it cannot go on.
    """
    from rich.console import Console

    from multimesh.printable import printable
    from multimesh.rotate_root.run import Rotation, UnfinishedError, brought
    from multimesh.stack import OutputsError, read_outputs

    console, errors = Console(highlight=False, markup=False, soft_wrap=True), Console(stderr=True)
    if (certificate is None) != (key is None):
        raise typer.BadParameter("--certificate and --key belong together")
    rotation = Rotation(stack, restart, wait, lambda line: console.print(printable(line)))
    try:
        if check:
            rotation.see(read_outputs(stack))
        else:
            rotation.to(brought(certificate, key) if certificate and key else None)
    except (OutputsError, UnfinishedError) as error:
        said = "\n".join(map(printable, str(error).splitlines()))
        unfinished = isinstance(error, UnfinishedError)
        head = "waits; run it again, or with --restart, after" if unfinished else "error"
        errors.print(f"multimesh rotate-root: {head}:\n{said}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1 if unfinished else 2) from None
