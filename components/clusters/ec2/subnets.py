"""How a VPC's range is divided into subnets."""

from ipaddress import IPv4Network

MOST_ZONES = 3
_BITS = 3  # eight parts: four for private subnets, four for public ones


def subnets(node_cidr: str, zones: int) -> tuple[list[str], list[str]]:
    """Return (private, public) subnets, one of each per availability zone, each an eighth of `node_cidr`.

    An additional zone takes free parts and moves no existing subnet. Raise ValueError for more than MOST_ZONES zones.
    """
    if not 1 <= zones <= MOST_ZONES:
        raise ValueError(f"must be 1 to {MOST_ZONES} availability zones, not {zones}")
    parts = [str(part) for part in IPv4Network(node_cidr).subnets(prefixlen_diff=_BITS)]
    return parts[:zones], parts[4 : 4 + zones]
