"""How a kind's preflight names what is missing outside the stack."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from components.schema.networks import documentation_ranges


class Missing(NamedTuple):
    """One thing that is missing, or must be different, before the cluster can be made."""

    path: tuple[str | int, ...]
    """The path of the setting inside `cluster`; () for what belongs to no setting."""
    value: Any
    """The setting's value as it was configured; `problems.ABSENT` for what belongs to no setting."""
    message: str


def placeholders(api_cidrs: Sequence[str]) -> Iterator[Missing]:
    """Yield the ranges that were copied from the documentation and never replaced."""
    for index, cidr in documentation_ranges(api_cidrs):
        yield Missing(
            ("api_cidrs", index),
            cidr,
            "is a documentation range (RFC 5737); use your own, such as your own address followed by /32",
        )
