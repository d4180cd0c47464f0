"""A Python of its own: what it has imported, no other test has."""

import subprocess
import sys

from recording import CHECKOUT


def printed_by(*lines: str) -> str:
    """Return what a program prints that runs in the checkout."""
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
