"""Which chart a Release means, and with which values."""

from pathlib import Path
from typing import Any

import yaml

from lab.plugins.server import PluginError
from lab.plugins.values import Properties

_ASSET = "c44067f5952c0a294b673a41bacd8c17"


def chart_arguments(inputs: Properties) -> list[str]:
    """Return helm's arguments for the release name, the chart and the namespace."""
    repository = inputs.get("repositoryOpts", {})
    options = {
        "--namespace": inputs["namespace"],
        "--version": inputs.get("version"),
        "--repo": repository.get("repo"),
        "--username": repository.get("username"),
        "--password": repository.get("password"),
        "--ca-file": repository.get("caFile"),
        "--cert-file": repository.get("certFile"),
        "--key-file": repository.get("keyFile"),
        "--keyring": inputs.get("keyring"),
        "--post-renderer": inputs.get("postrender"),
    }
    flags = {"--devel": "devel", "--verify": "verify", "--dependency-update": "dependencyUpdate"}
    return [
        inputs["name"],
        inputs["chart"],
        *(part for option, value in options.items() if value for part in (option, str(value))),
        *(flag for flag, name in flags.items() if inputs.get(name)),
    ]


def values(inputs: Properties) -> Any:
    """Return the values of the Release's files in their order, and over them those given directly.

    Raises PluginError for a file that is no asset.
    """
    merged: Any = {}
    for file in inputs.get("valueYamlFiles", []):
        if not isinstance(file, dict) or _ASSET not in str(file):
            raise PluginError("valueYamlFiles must be a list of assets")
        text = file["text"] if "text" in file else Path(file["path"]).read_text()
        merged = _merged(merged, yaml.safe_load(text) or {})
    given = inputs.get("values", {})
    return _merged(merged, given) if isinstance(given, dict) else given


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
