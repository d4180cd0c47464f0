"""A resource's inputs as plain values."""

from collections.abc import Mapping, Sequence
from typing import Any


def plain(value: Any) -> Any:
    """Return dicts and lists instead of pulumi_policy's proxies around them, whatever is deeper, too.

    Numbers arrive as floats; whole ones become integers again. A value that is unknown in a preview stays the text that
    stands for it, while a proxy would raise an error for it and so end the rule that looks at its neighbours. A
    `Secret` stays one.
    """
    if isinstance(value, Mapping):
        inner = value if isinstance(value, dict) else value["__target"]
        return {key: plain(given) for key, given in inner.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        inner = value if isinstance(value, (list, tuple)) else value["__target"]  # type: ignore[call-overload]
        return [plain(given) for given in inner]
    return int(value) if isinstance(value, float) and value.is_integer() else value
