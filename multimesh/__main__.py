"""The command line of multimesh."""

import typer

from multimesh.commands.check import check
from multimesh.commands.exposure import exposure
from multimesh.commands.rotate_root import rotate_root
from multimesh.commands.topology import topology
from multimesh.commands.verify import verify
from multimesh.commands.watch import watch

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


@app.callback()
def main() -> None:
    """Check the meshes of a stack that `pulumi up` made, and rotate their root CA."""


for command in (verify, check, exposure, rotate_root, topology, watch):
    app.command()(command)


if __name__ == "__main__":
    app(prog_name="multimesh")
