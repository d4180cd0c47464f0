"""How a preflight reports what a cluster still needs outside the stack."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from components.schema.networks import documentation_ranges


class Missing(NamedTuple):
    """One thing that is missing, or must change, before the cluster can be created."""

    path: tuple[str | int, ...]
    """The path of the setting inside `cluster`; () if no setting is affected."""
    value: Any
    """The setting's configured value; `problems.ABSENT` if no setting is affected."""
    message: str


def placeholders(api_cidrs: Sequence[str]) -> Iterator[Missing]:
    """Yield each documentation range (RFC 5737) that the user copied and did not replace."""
    for index, cidr in documentation_ranges(api_cidrs):
        yield Missing(
            ("api_cidrs", index),
            cidr,
            "is a documentation range (RFC 5737); use your own, such as your own address followed by /32",
        )
