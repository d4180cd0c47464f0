"""Who reaches what, as a table and as JSON."""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from multimesh.contract import Exposure
from multimesh.printable import printable

_PLAIN_WIDTH = 120


def print_table(exposures: Sequence[Exposure], console: Console) -> None:
    """Print a line for each service, or `nothing is exported`; without a terminal, it is 120 columns wide."""
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
    if not exposures:
        console.print("nothing is exported")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("service", "in", "reached by"):
        table.add_column(heading, overflow="fold")
    for one in exposures:
        cells = (one.service, ", ".join(one.meshes), ", ".join(one.callers))
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console.print(table)


def as_json(exposures: Sequence[Exposure]) -> str:
    """Return a list of the exposures, as the stack's output has them."""
    return json.dumps([one.model_dump() for one in exposures], indent=2)
