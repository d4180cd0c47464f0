"""The Pulumi SDKs of clouds: Python packages that only a stack with clusters in that cloud needs."""

from collections.abc import Iterator
from importlib.util import find_spec

from components.clusters.missing import Missing


def missing(kind: str, package: str, extra: str) -> Iterator[Missing]:
    """Yield what is missing when a `package` that clusters of a `kind` need is not installed.

    `extra` is the extra of this project that installs it.
    """
    if find_spec(package.replace("-", "_")) is None:
        yield Missing(("kind",), kind, f"needs the Python package {package}: pip install '.[{extra}]'")
