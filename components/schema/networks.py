"""Address ranges of a cluster that the stack makes: its own, and those from which its API may be reached."""

from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, PlainValidator, ValidationInfo

EVERYWHERE = "0.0.0.0/0"
DOCUMENTATION = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
"""Ranges that nobody has, for examples (RFC 5737)."""


def _cidr(value: Any) -> str:
    try:
        return str(IPv4Network(value if isinstance(value, str) and "/" in value else ""))
    except ValueError as error:
        host_bits = ", with no bits set after the prefix" if "host bits" in str(error) else ""
        raise ValueError(f"an IPv4 network such as 10.0.0.0/16 is wanted{host_bits}") from None


def _own_cidr(value: Any, info: ValidationInfo) -> str:
    """Check a range of the cluster's own against those declared before it: fields whose names end in `_cidr`."""
    cidr = _cidr(value)
    for name, other in info.data.items():
        if name.endswith("_cidr") and IPv4Network(cidr).overlaps(IPv4Network(other)):
            raise ValueError(f"a range apart from {name} is wanted, which is {other}")
    return cidr


def _reaching_the_api(cidrs: list[str], info: ValidationInfo) -> list[str]:
    if not cidrs:
        raise ValueError("at least one IPv4 network is wanted, or nobody could reach the Kubernetes API")
    if EVERYWHERE in cidrs and not info.data.get("api_open_to_the_world"):
        raise ValueError(
            f"{EVERYWHERE} opens the Kubernetes API to the world; if that is meant, set api_open_to_the_world: true"
        )
    return cidrs


Cidr = Annotated[str, PlainValidator(_cidr)]
OwnCidr = Annotated[str, PlainValidator(_own_cidr)]
ApiCidrs = Annotated[list[Cidr], AfterValidator(_reaching_the_api)]
"""Who may reach the Kubernetes API; `api_open_to_the_world` is declared before it."""


def placeholders(cidrs: list[str]) -> list[tuple[int, str]]:
    """Return those that only examples have, with their positions."""
    return [
        (index, cidr)
        for index, cidr in enumerate(cidrs)
        if any(IPv4Network(cidr).overlaps(example) for example in DOCUMENTATION) and cidr != EVERYWHERE
    ]
