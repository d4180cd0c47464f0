"""Who is at the other end of a connection on this machine: a plugin's port is open to every local user.

Source: https://docs.kernel.org/networking/proc_net_tcp.html
"""

import socket
import struct
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_MAPPED = "0000000000000000FFFF0000"
"""Before an IPv4 address, in the table of a socket that takes both versions: gRPC's does."""
_ESTABLISHED = "01"
"""The only state in which the table has the owner: root is said to own what is closed."""


def owner(peer: str, port: int) -> int | None:
    """Return the uid of the process that is connected to our loopback `port`; None if there is no such connection.

    `peer` is as gRPC names it: `ipv4:127.0.0.1:43210`.
    """
    kind, _, address = peer.replace("%3A", ":").partition(":")
    host, _, number = address.rpartition(":")
    if kind != "ipv4":
        return None
    ends = [_entry(host, int(number)), _entry("127.0.0.1", port), _ESTABLISHED]
    for table in filter(Path.exists, _TABLES):
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if [field.removeprefix(_MAPPED) for field in fields[1:4]] == ends:
                return int(fields[7])
    return None


def _entry(host: str, port: int) -> str:
    """Return an address as the table has it: the machine's byte order, then the port."""
    (number,) = struct.unpack("=I", socket.inet_aton(host))
    return f"{number:08X}:{port:04X}"
