"""`multimesh watch`: the picture, live."""

from typing import Annotated

import typer

from multimesh.commands.options import Stack, fail


def watch(
    stack: Stack = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page on 127.0.0.1.", show_default="a free one")
    ] = 0,
) -> None:
    """Show the picture live on a page of this machine: requests a second, failures, latencies, ejected endpoints.

    The numbers are those of the meshes' own proxies, read once a second over the Kubernetes API. Only who has the
    printed URL can open the page. Meshes of other stacks are seen by their callers here. docs/watch.md tells more.

    Exit code 2: the stack cannot be read, or the port is taken.
    """
    from multimesh.check import report
    from multimesh.check.made import made
    from multimesh.check.run import check_stack
    from multimesh.stack import OutputsError, read_outputs, read_state
    from multimesh.watch.run import watch_stack

    try:
        outputs = read_outputs(stack)
        watch_stack(
            outputs,
            lambda: report.as_json(check_stack(outputs, made(read_state(stack)), (), (), lambda _: None)),
            port,
            lambda url: typer.echo(f"{url}\nCtrl-C ends it."),
        )
    except (OutputsError, OSError) as error:
        fail("watch", error)
