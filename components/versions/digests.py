"""The digests of the images that the program names, as `make requirements` found them."""

import functools
import json
from importlib.resources import files

from components.versions import ISTIO_HUB, ISTIO_VERSION, PAUSE_IMAGE

FILE = files(__package__ or "") / "digests.json"
"""The digest of each image that was found, by its name with a tag. A renewal of it is a diff to review."""


def named() -> list[str]:
    """Return the images, by name and tag, that may be pinned."""
    return [*(istio(image, ISTIO_VERSION) for image in ("pilot", "proxyv2", "install-cni", "app")), PAUSE_IMAGE]


def istio(image: str, version: str) -> str:
    """Return the name and tag of one of Istio's public images."""
    return f"{ISTIO_HUB}/{image}:{version}"


def pinned(reference: str) -> str:
    """Return an image with its digest beside its tag, if that is known; else as it is."""
    digest = _digests().get(reference)
    return f"{reference}@{digest}" if digest else reference


@functools.cache
def _digests() -> dict[str, str]:
    return json.loads(FILE.read_text())
