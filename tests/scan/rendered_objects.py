"""What a recorded stack makes in its clusters: its own objects, and what Istio's charts render with its values."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from recording import Recorded, Recording

from lab.paths import CHARTS

# Its chart is a download.
UNRENDERED = {"flannel"}


def of(recording: Recording) -> dict[str, list[dict[str, Any]]]:
    """Return the objects of each cluster's objects and of each release, by the name of the Pulumi resource."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in recording.resources.values():
        if each.type == "kubernetes:helm.sh/v3:Release":
            if each.inputs["name"] not in UNRENDERED:
                found[each.name] = list(_rendered(each))
        elif each.type.startswith("kubernetes:"):
            found[each.name] = [each.inputs]
    return found


def _rendered(release: Recorded) -> Iterator[dict[str, Any]]:
    chart = str(release.inputs["chart"]).rpartition("/")[2]
    where = ["--namespace", release.inputs["namespace"]]
    command = ["helm", "template", release.inputs["name"], str(Path(CHARTS) / chart), *where, "--values", "-"]
    values = json.dumps(release.inputs.get("values", {}))
    done = subprocess.run(command, input=values, capture_output=True, text=True, check=True)
    for each in yaml.safe_load_all(done.stdout):
        if each:
            each["metadata"].setdefault("namespace", release.inputs["namespace"])
            yield each
