"""What is allocated to a cluster: an id, a number, and the networks and folders that follow from them."""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from ipaddress import IPv4Network
from pathlib import Path

from lab import paths
from lab.processes import run

NUMBERS = range(200, 255)


class NoSuchClusterError(Exception):
    """No cluster of this machine has the id."""


class NoFreeNetworkError(Exception):
    """Every network that a cluster could get overlaps with a route of this machine or with another cluster."""


@dataclass(frozen=True)
class Allocation:
    """A cluster's share of this machine: 10.NUMBER.0.0/16, the two images that it was made with, and its owner.

    In a `flat` network, its pods and those of other such clusters reach each other.
    """

    id: str
    name: str
    number: int
    pause_image: str
    coredns_image: str
    owner: str = ""
    flat: bool = False
    domain: str = "cluster.local"
    """The end of the names of its Services."""

    @property
    def folder(self) -> Path:
        """What survives a reboot."""
        return paths.STATE / self.id

    @property
    def run(self) -> Path:
        """Sockets and records of processes."""
        return paths.RUN / self.id

    @property
    def gateway(self) -> str:
        """The machine's address on the node network, a /24."""
        return f"10.{self.number}.0.1"

    @property
    def address(self) -> str:
        """The node's address."""
        return f"10.{self.number}.0.2"

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{self.address}:6443"

    @property
    def service_cidr(self) -> str:
        """The range of the Services' cluster IPs."""
        return f"10.{self.number}.16.0/20"

    @property
    def kubernetes_service(self) -> str:
        """The cluster IP of the API server: the first one, by Kubernetes' rule."""
        return f"10.{self.number}.16.1"

    @property
    def dns_service(self) -> str:
        """The cluster IP of the DNS server: the tenth, by custom."""
        return f"10.{self.number}.16.10"

    @property
    def pod_cidr(self) -> str:
        """The range of the pods' addresses."""
        return f"10.{self.number}.128.0/17"


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Lock the folder, without a lock file; every other process that locks it waits."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_id(id: str) -> bool:
    """Return whether this can be the id of a cluster; nothing else may become part of a path."""
    return re.fullmatch("mm[0-9a-f]{6}", id) is not None


def find(id: str) -> Allocation | None:
    """Return the cluster's allocation, None if there is no such cluster."""
    if not is_id(id):
        return None
    try:
        noted = json.loads((paths.STATE / id / "cluster.json").read_text())
    except (OSError, ValueError):  # none, or not written yet
        return None
    # A newer version may have noted more.
    return Allocation(**{one.name: noted[one.name] for one in fields(Allocation) if one.name in noted})


def find_all() -> list[Allocation]:
    """Return the clusters of this machine, in the order of their numbers."""
    found = (find(folder.name) for folder in paths.STATE.glob("*"))
    return sorted((cluster for cluster in found if cluster), key=lambda cluster: cluster.number)


def _routes() -> list[IPv4Network]:
    routes = json.loads(run("ip", "-4", "-json", "route", "show", "table", "all"))
    networks = [IPv4Network(route["dst"]) for route in routes if route["dst"] != "default"]
    return [network for network in networks if network.prefixlen >= 8]  # a VPN's 0.0.0.0/1 is a default route, too


def choose_number(taken: list[IPv4Network]) -> int:
    """Return the first number whose network overlaps nothing in `taken`; raise NoFreeNetworkError if there is none."""
    for number in NUMBERS:
        if not any(IPv4Network(f"10.{number}.0.0/16").overlaps(network) for network in taken):
            return number
    first, last = NUMBERS[0], NUMBERS[-1]
    blockers = ", ".join(sorted({str(network) for network in taken if network.overlaps(IPv4Network("10.192.0.0/10"))}))
    raise NoFreeNetworkError(f"a cluster needs one of 10.{first}.0.0/16 to 10.{last}.0.0/16, all in use by: {blockers}")


def free_number() -> int:
    """Return the number that the next cluster gets; raise NoFreeNetworkError when there is none."""
    taken = [IPv4Network(f"10.{cluster.number}.0.0/16") for cluster in find_all()]
    return choose_number(taken + _routes())


def left_behind(name: str, owner: str) -> Allocation | None:
    """Return this owner's cluster of this name, if there is one; None without an owner."""
    found = (cluster for cluster in find_all() if owner and (cluster.name, cluster.owner) == (name, owner))
    return next(found, None)


def allocate(name: str, owner: str = "", *, flat: bool = False, domain: str = Allocation.domain) -> Allocation:
    """Allocate an id and a number to a new cluster and write them into its folder; raise NoFreeNetworkError."""
    with lock(paths.STATE.parent):
        id = f"mm{secrets.token_hex(3)}"
        allocation = Allocation(id, name, free_number(), paths.PAUSE_IMAGE, paths.COREDNS_IMAGE, owner, flat, domain)
        for folder in (allocation.folder, allocation.run):
            folder.mkdir(mode=0o700, parents=True)
        note(allocation)
    return allocation


def rename(id: str, name: str, owner: str) -> None:
    """Change the stored name and owner of a cluster, and nothing else; do nothing if there is no such cluster."""
    if given := find(id):
        note(replace(given, name=name, owner=owner))


def note(allocation: Allocation) -> None:
    """Write the allocation into the cluster's folder."""
    file = allocation.folder / "cluster.json"
    written = file.with_suffix(".new")
    written.write_text(json.dumps(asdict(allocation), indent=2) + "\n")
    written.replace(file)  # at once: others read it without a lock


def release(id: str, shared: list[Path]) -> None:
    """Remove the cluster's folders; after the last cluster also their parents, and empty `shared` folders."""
    with lock(paths.STATE.parent):
        for folder in (paths.RUN / id, paths.STATE / id):
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(folder)
        with contextlib.suppress(OSError):  # not empty: other clusters live
            paths.STATE.rmdir()
        if not paths.STATE.exists():
            for folder in (paths.RUN, *shared):
                with contextlib.suppress(OSError):  # not there, or not empty and so not ours
                    folder.rmdir()
