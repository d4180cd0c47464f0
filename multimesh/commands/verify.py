"""`multimesh verify`: whether every service answers, and from where."""

from typing import Annotated

import typer

from multimesh.commands.options import Output, Stack, fail


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
        fail("verify", error)
    if output is Output.JSON:
        typer.echo(as_json(report))
    else:
        print_tables(report, Console())
    raise typer.Exit(1 if report.findings else 0)
