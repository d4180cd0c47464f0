"""The Pulumi SDKs for clouds: Python packages that a stack needs only for clusters in that cloud."""

from collections.abc import Iterator
from importlib.util import find_spec

from components.clusters.missing import Missing


def missing(kind: str, package: str, extra: str) -> Iterator[Missing]:
    """Yield a line if a `package` that clusters of this `kind` need is not installed.

    `extra` is this project's extra that installs the package.
    """
    if find_spec(package.replace("-", "_")) is None:
        yield Missing(("kind",), kind, f"needs the Python package {package}: pip install '.[{extra}]'")
