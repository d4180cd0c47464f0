"""Rooms import only what is below them: the contracts of pyproject.toml, kept."""

import subprocess
import sys

from recording import CHECKOUT

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"


def test_every_import_keeps_the_contracts_of_the_rooms() -> None:
    done = subprocess.run([sys.executable, "-c", LINT], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
