"""Manage the lab's clusters by hand: python -m lab COMMAND."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab import allocation, cluster
from lab.allocation import NoFreeNetworkError, NoSuchClusterError
from lab.cgroups import StillRunningError
from lab.processes import CommandError
from lab.programs import StartError
from lab.remains import remains

app = typer.Typer(
    help="Manage the lab's Kubernetes clusters on this machine.", no_args_is_help=True, add_completion=False
)


def _report(line: str) -> None:
    typer.echo(f"  {line}", err=True)


@app.command()
def create(name: str) -> None:
    """Create a cluster and print its id."""
    typer.echo(cluster.create(name, _report).id)


class Output(StrEnum):
    """How the clusters are listed."""

    TABLE = "table"
    JSON = "json"


@app.command()
def status(output: Output = Output.TABLE) -> None:
    """List the clusters of this machine, and what is left of clusters that are gone: destroy removes it."""
    given = allocation.find_all()
    with ThreadPoolExecutor() as pool:
        states = list(pool.map(lambda one: cluster.faults(one.id), given))
    left = remains()
    if output is Output.JSON:
        clusters = [
            {"id": one.id, "name": one.name, "owner": one.owner, "faults": faults}
            for one, faults in zip(given, states, strict=True)
        ]
        typer.echo(json.dumps({"clusters": clusters, "remains": left}, indent=2))
        return
    table = Table("id", "name", "address", "state", box=None)
    for one, faults in zip(given, states, strict=True):
        table.add_row(*map(Text, (one.id, one.name, one.address, "\n".join(faults) or "running")))
    for id, what in left.items():
        table.add_row(*map(Text, (id, "", "", "gone, but for: " + ", ".join(what))))
    Console().print(table)


@app.command()
def kubeconfig(id: str) -> None:
    """Print the administrator's kubeconfig of a cluster."""
    found = cluster.read(id)
    if found is None:
        raise NoSuchClusterError(f"{id}: no such cluster")
    typer.echo(found.kubeconfig)


@app.command()
def faults(id: str) -> None:
    """Print what is wrong with a cluster; exit with 1 if anything is."""
    found = cluster.faults(id)
    typer.echo("\n".join(found) or "none")
    raise typer.Exit(bool(found))


@app.command()
def start(id: str) -> None:
    """Start the programs of a cluster that do not run."""
    cluster.start(id, _report)


@app.command()
def destroy(id: str) -> None:
    """Destroy a cluster."""
    cluster.destroy(id, _report)


if __name__ == "__main__":
    try:
        app()
    except (NoSuchClusterError, NoFreeNetworkError, StartError, StillRunningError, CommandError) as error:
        sys.exit(f"error: {error}")
