"""Keys without a value, which YAML reads as null: `callers:` with every line commented out would let everybody call."""

from collections.abc import Iterator
from typing import Any

from components.schema.problems import Path

_HELMS = "values"
"""In Helm's values null means something: it takes a default away."""


def empty_keys(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of each key and each item of a list that has no value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        if one is None:
            yield (*path, key)
        elif key != _HELMS:
            yield from empty_keys(one, (*path, key))
