"""Address ranges of a cluster that the stack creates: its own, and those that may reach its API."""

from collections.abc import Sequence
from ipaddress import IPv4Network, collapse_addresses
from typing import Annotated, Any

from pydantic import AfterValidator, PlainValidator, ValidationInfo

EVERYWHERE = "0.0.0.0/0"
DOCUMENTATION = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
"""Ranges that are reserved for documentation (RFC 5737)."""
_LARGEST = 8
"""The shortest prefix that one owner has."""


def _cidr(value: Any) -> str:
    try:
        return str(IPv4Network(value if isinstance(value, str) and "/" in value else ""))
    except ValueError as error:
        host_bits = ", with no bits set after the prefix" if "host bits" in str(error) else ""
        raise ValueError(f"must be an IPv4 network such as 10.0.0.0/16{host_bits}") from None


def _own_cidr(value: Any, info: ValidationInfo) -> str:
    """Return a CIDR that overlaps no range declared before it (fields whose names end in `_cidr`). Raise ValueError."""
    cidr = _cidr(value)
    for name, other in info.data.items():
        if name.endswith("_cidr") and IPv4Network(cidr).overlaps(IPv4Network(other)):
            raise ValueError(f"must not overlap {name}, which is {other}")
    return cidr


def _reaching_the_api(cidrs: list[str], info: ValidationInfo) -> list[str]:
    if not cidrs:
        raise ValueError("must list at least one IPv4 network, or nobody could reach the Kubernetes API")
    if (open_to := world(cidrs)) and not info.data.get("api_open_to_the_world"):
        few = ", ".join(open_to[:3]) + (f" and {len(open_to) - 3} more" if len(open_to) > 3 else "")
        raise ValueError(
            f"{few} {'opens' if len(open_to) == 1 else 'open'} the Kubernetes API to the world; "
            "if you intend that, set api_open_to_the_world: true"
        )
    return cidrs


def world(cidrs: Sequence[str]) -> list[str]:
    """Return the networks, collapsed, if they are the world; [] if they are not.

    They are the world if all of them together have as many addresses as a /7, or more. So one /8 is not, a shorter
    prefix is, and splitting `0.0.0.0/0`, or leaving out parts of it, changes nothing.
    """
    collapsed = list(collapse_addresses(map(IPv4Network, cidrs)))
    limit = 2 ** (32 - _LARGEST + 1)
    return [str(network) for network in collapsed] if sum(n.num_addresses for n in collapsed) >= limit else []


Cidr = Annotated[str, PlainValidator(_cidr)]
OwnCidr = Annotated[str, PlainValidator(_own_cidr)]
ApiCidrs = Annotated[list[Cidr], AfterValidator(_reaching_the_api)]
"""Who may reach the Kubernetes API; declare `api_open_to_the_world` before it."""


def documentation_ranges(cidrs: Sequence[str]) -> list[tuple[int, str]]:
    """Return (position, CIDR) of each CIDR that overlaps a documentation range."""
    return [
        (index, cidr)
        for index, cidr in enumerate(cidrs)
        if any(IPv4Network(cidr).overlaps(example) for example in DOCUMENTATION)
        and IPv4Network(cidr).prefixlen >= _LARGEST
    ]
