"""What a release's chart renders to: the checksum and the names by which a change of it is noticed.

Every preview and every update asks for it anew, and helm takes a third of a second for a chart of large definitions. So
what a chart in a folder renders to is kept, under a digest of all that it is rendered from.
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
from lab.plugins.kubernetes.helm import Helm, resource_names
from lab.plugins.values import Properties

KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "multimesh/rendered"


def rendered(inputs: Properties, cancelled: threading.Event) -> dict[str, Any]:
    """Return `checksum` and `resourceNames` of a release's manifest. Raises HelmError."""
    crds = [] if inputs.get("skipCrds") else ["--include-crds"]
    arguments = ["template", *chart_arguments(inputs), *crds]
    values = inputs.get("values")
    chart = Path(inputs["chart"])
    if not chart.is_dir() or inputs.get("dependencyUpdate") or inputs.get("postrender"):
        return _render(arguments, values, cancelled)
    kept = KEPT / _digest(chart, [arguments, values])
    try:
        return json.loads(kept.read_text())
    except (OSError, ValueError):
        result = _render(arguments, values, cancelled)
    KEPT.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    unfinished.write_text(json.dumps(result))
    unfinished.rename(kept)
    return result


def _render(arguments: list[str], values: Any, cancelled: threading.Event) -> dict[str, Any]:
    manifest = Helm(None, cancelled).run(*arguments, values=values)
    return {"checksum": hashlib.sha256(manifest.encode()).hexdigest(), "resourceNames": resource_names(manifest)}


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
