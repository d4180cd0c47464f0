"""Give way to the official plugin, if it was installed after the stand-in was put on PATH."""

import os
import sys
from importlib.metadata import version
from pathlib import Path


def give_way(package: str) -> None:
    """Run the official plugin of the SDK's version in this process's place; return if it is not installed."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    program = f"pulumi-resource-{package}"
    plugin = home / f"plugins/resource-{package}-v{version(f'pulumi-{package}')}" / program
    if os.access(plugin, os.X_OK) and plugin.is_file():
        os.execv(plugin, [program, *sys.argv[1:]])  # noqa: S606 - the plugin that Pulumi itself would have started
