"""Where the lab keeps what it builds and what it runs."""

import hashlib
import os
from pathlib import Path

SOURCES = Path(__file__).parent / "toolchain"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "multimesh"
STATE = Path("/var/lib/multimesh")
RUN = Path("/run/multimesh")


def digest(*files: Path) -> str:
    """Return 12 hex digits that change with the name or content of any of the files."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


_HERE = Path(__file__).parent
_MODULES = [file for file in SOURCES.rglob("*") if file.suffix in (".go", ".mod", ".sum")]

TOOLS = CACHE / f"tools-{digest(*_MODULES)}"
CHARTS = TOOLS / "charts"
IMAGES = CACHE / f"images-{digest(*_MODULES, _HERE / 'images.py', _HERE / 'oci.py')}"
CONTAINERD_TEMPLATE = IMAGES / "containerd"

IMAGE_HUB = "lab.multimesh/istio"
IMAGE_TAG = IMAGES.name.removeprefix("images-")
PAUSE_IMAGE = f"{IMAGE_HUB}/pause:{IMAGE_TAG}"
COREDNS_IMAGE = f"{IMAGE_HUB}/coredns:{IMAGE_TAG}"
