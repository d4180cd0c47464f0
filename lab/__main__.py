"""Manage the lab's clusters by hand: python -m lab COMMAND."""

import sys

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab import allocation, cluster
from lab.allocation import NoFreeNetworkError, NoSuchClusterError
from lab.cgroups import StillRunningError
from lab.processes import CommandError
from lab.programs import StartError

app = typer.Typer(
    help="Manage the lab's Kubernetes clusters on this machine.", no_args_is_help=True, add_completion=False
)


def _report(line: str) -> None:
    typer.echo(f"  {line}", err=True)


@app.command()
def create(name: str) -> None:
    """Create a cluster and print its id."""
    typer.echo(cluster.create(name, _report).id)


@app.command()
def status() -> None:
    """List the clusters of this machine."""
    table = Table("id", "name", "address", "state", box=None)
    for given in allocation.find_all():
        state = "\n".join(cluster.faults(given.id)) or "running"
        table.add_row(*map(Text, (given.id, given.name, given.address, state)))
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
