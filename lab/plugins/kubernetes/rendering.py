"""Whether a release's chart renders: a chart that is not found, or not with these values, is told at preview.

Every preview and every update asks anew, and helm takes a third of a second for a chart of large definitions. So it is
kept that a chart in a folder rendered, under a digest of all that it is rendered from.
"""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.plugins.kubernetes.charts import chart_arguments
from lab.plugins.kubernetes.helm import Helm
from lab.plugins.values import Properties

KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "multimesh/rendered"


def check(inputs: Properties, cancelled: threading.Event) -> None:
    """Render a release's chart. Raises HelmError if that fails."""
    crds = [] if inputs.get("skipCrds") else ["--include-crds"]
    arguments = ["template", *chart_arguments(inputs), *crds]
    values = inputs.get("values")
    chart = Path(inputs["chart"])
    reusable = chart.is_dir() and not inputs.get("dependencyUpdate") and not inputs.get("postrender")
    kept = KEPT / _digest(chart, [arguments, values]) if reusable else None
    if kept and kept.exists():
        return
    Helm(None, cancelled).run(*arguments, values=values)
    if kept:
        KEPT.mkdir(parents=True, exist_ok=True)
        kept.touch()


def _digest(chart: Path, asked: Any) -> str:
    digest = hashlib.sha256()
    for part in _parts(chart, asked):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _parts(chart: Path, asked: Any) -> Iterator[bytes]:
    program = Path(shutil.which("helm") or "helm").resolve()
    yield f"{program} {program.stat().st_mtime_ns if program.exists() else 0}".encode()
    yield json.dumps(asked, sort_keys=True).encode()
    for file in sorted(file for file in chart.rglob("*") if file.is_file()):
        yield str(file.relative_to(chart)).encode()
        yield file.read_bytes()
