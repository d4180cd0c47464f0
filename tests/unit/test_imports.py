"""Rooms import only what is below them: the contracts of pyproject.toml, kept."""

import os
import subprocess
import sys

from recording import CHECKOUT


def test_every_import_keeps_the_contracts_of_the_rooms() -> None:
    lint = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"
    done = subprocess.run(
        [sys.executable, "-c", lint],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
