"""The Pulumi SDKs of clouds: Python packages that only a stack with clusters in that cloud needs."""

from collections.abc import Iterator
from importlib.util import find_spec


def missing(kind: str, package: str, extra: str) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Return what is missing when a `package` that clusters of a `kind` need is not installed.

    `extra` is the extra of this project that installs it. Each as (path inside `cluster`, value, message).
    """
    if find_spec(package.replace("-", "_")) is None:
        yield ("kind",), kind, f"needs the Python package {package}: pip install '.[{extra}]'"
