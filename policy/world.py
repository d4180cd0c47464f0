"""Which networks, taken together, are the world."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

_PRIVATE = IPv6Network("fc00::/7")
_WORLD = {4: 2 ** (32 - 7), 6: 2 ** (128 - 15)}
"""So many addresses, those of a /7 and of a /15, belong to no single owner; by version."""


def world(cidrs: Iterable[str]) -> list[str]:
    """Return the networks, collapsed, that are the world; [] if there are none.

    Those of one version (IPv4, IPv6) are, if together they have as many addresses as no single owner has. So splitting
    `0.0.0.0/0`, or leaving out parts of it, changes nothing.
    """
    networks = [ip_network(cidr, strict=False) for cidr in cidrs]
    found: list[str] = []
    older = [network for network in networks if isinstance(network, IPv4Network)]
    newer = [network for network in networks if isinstance(network, IPv6Network) and not network.subnet_of(_PRIVATE)]
    for version, collapsed in ((4, [*collapse_addresses(older)]), (6, [*collapse_addresses(newer)])):
        if sum(network.num_addresses for network in collapsed) >= _WORLD[version]:
            found += map(str, collapsed)
    return found
