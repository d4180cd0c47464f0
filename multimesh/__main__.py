"""The command line of multimesh.

What a command needs is imported when it runs: the Kubernetes client alone takes seconds, and `--help` needs none of it.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


Stack = Annotated[str | None, typer.Option(help="Name of the Pulumi stack.", show_default="the selected one")]


class Output(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"


class CheckOutput(StrEnum):
    """How the outcomes of checks are printed."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


class Picture(StrEnum):
    """What a picture is made of."""

    SVG = "svg"
    HTML = "html"
    JSON = "json"


@app.callback()
def main() -> None:
    """Check the meshes of a stack that `pulumi up` made, and rotate their root CA."""


@app.command()
def verify(
    stack: Stack = None,
    requests: Annotated[
        int,
        typer.Option(
            min=1,
            max=10_000,
            help="How many requests to send to each mesh by each path; to a port of a service other than the sample at "
            "most 40, or 20 connections.",
        ),
    ] = 100,
    service: Annotated[
        list[str] | None,
        typer.Option(
            help="Ask this service alone: its global name, or <name>.<namespace>; may be repeated.",
            show_default="all of them",
        ),
    ] = None,
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
    """Ask every service in every mesh, and check that each request is answered, and by the meshes that should.

    The sample service says who answered. Path 1: the ingress of the mesh, asked from this machine. Paths 2 and 3: its
    short and its global name, asked from a pod of the sample in the mesh.

    Every other service is asked from the same pod, by its global name, on every port; the pod's proxy counts who
    answered. HTTP: GET /. gRPC: a method that no service has. TCP and TLS: a connection on which nothing is sent.

    Exit code 0: every request was answered, and every split is as configured.
    Exit code 1: not so; each finding is one line.
    Exit code 2: the stack cannot be read, there is nothing to ask, or no sample service to call from.
    """
    from rich.console import Console

    from multimesh.stack import OutputsError, read_outputs
    from multimesh.verify.report import as_json
    from multimesh.verify.run import verify_stack
    from multimesh.verify.tables import print_tables

    errors = Console(stderr=True)
    try:
        with errors.status("reading the stack outputs") as status:
            report = verify_stack(read_outputs(stack), requests, confidence, status.update, service or ())
    except OutputsError as error:
        _fail("verify", error)
    if output is Output.JSON:
        typer.echo(as_json(report))
    else:
        print_tables(report, Console())
    raise typer.Exit(1 if report.findings else 0)


@app.command()
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
    from multimesh.check.made import made
    from multimesh.check.run import check_stack
    from multimesh.stack import OutputsError, read_outputs, read_state

    errors = Console(stderr=True)
    deadline = time.monotonic() + wait
    try:
        with errors.status("reading the stack") as status:
            outputs, state = read_outputs(stack), made(read_state(stack))
            while True:
                outcomes = check_stack(outputs, state, service or (), from_ or (), status.update)
                if not any(one.failed for one in outcomes) or time.monotonic() > deadline:
                    break
                time.sleep(1)
    except OutputsError as error:
        _fail("check", error)
    if output is CheckOutput.JSON:
        typer.echo(report.as_json(outcomes))
    elif output is CheckOutput.JUNIT:
        typer.echo(report.as_junit(outcomes))
    else:
        report.print_outcomes(outcomes, Console())
    raise typer.Exit(1 if any(one.failed for one in outcomes) else 0)


@app.command()
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
        _fail("exposure", error)
    if output is Output.JSON:
        typer.echo(as_json(found))
    else:
        print_table(found, Console())


@app.command("rotate-root")
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
        bool, typer.Option(help="Change nothing: see whether every proxy has what the stack states.")
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


@app.command()
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
        _fail("topology", error)
    if output is Picture.JSON:
        typer.echo(model.as_json(picture))
    elif output is Picture.HTML:
        from multimesh.topology.page import page

        typer.echo(page(picture), nl=False)
    else:
        from multimesh.topology.svg import svg

        typer.echo(svg(picture), nl=False)


@app.command()
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
        _fail("watch", error)


def _fail(name: str, error: Exception) -> NoReturn:
    """Say why a stack cannot be read, and end with exit code 2."""
    from rich.console import Console

    from multimesh.printable import printable

    said = "\n".join(map(printable, str(error).splitlines()))
    Console(stderr=True).print(f"multimesh {name}: {said}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app(prog_name="multimesh")
