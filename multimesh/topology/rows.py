"""The rows of the picture: a service each, or, of many, a group that is alike in everything but its name."""

from collections.abc import Sequence
from dataclasses import dataclass

from multimesh.topology.model import Mesh, Service

MOST_ROWS = 24
"""Of more services, those of a namespace that are alike share a row."""
_MOST_NAMES = 3
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


@dataclass(frozen=True)
class Row:
    """A line through the columns of the meshes."""

    services: Sequence[Service]
    """At least one; what is shown of the first is the same for all."""

    @property
    def first(self) -> Service:
        """The service that stands for all."""
        return self.services[0]

    @property
    def name(self) -> str:
        """What stands before the line."""
        if len(self.services) == 1:
            return self.first.name
        return f"{len(self.services)} services in {self.first.name.split('.')[1]}"

    @property
    def about(self) -> str:
        """What stands under the name: the ports and who answers first, or the names of a group."""
        if len(self.services) > 1:
            names = [service.name.split(".")[0] for service in self.services]
            more = ["..."] if len(names) > _MOST_NAMES else []
            return ", ".join([*names[:_MOST_NAMES], *more])
        return " · ".join(filter(None, (ports(self.first), preference(self.first))))

    @property
    def all_names(self) -> str:
        """Every service of the row."""
        return ", ".join(service.name for service in self.services)


def rows(services: Sequence[Service], most: int = MOST_ROWS) -> list[Row]:
    """Return a row for each service; if there are more than `most`, one for those that are alike."""
    if len(services) <= most:
        return [Row([service]) for service in services]
    groups: dict[str, list[Service]] = {}
    for service in services:
        alike = (
            service.name.split(".")[1],
            service.shares,
            service.prefer,
            service.callers,
            service.others,
            service.hosts,
        )
        groups.setdefault(repr(alike), []).append(service)
    return [Row(group) for group in groups.values()]


def ports(service: Service) -> str:
    """Return the ports of a service as text: `80 http, 5432 tcp`."""
    return ", ".join(f"{number} {protocol or ''}".strip() for number, protocol in service.ports.items())


def preference(service: Service) -> str:
    """Return who answers a service first; nothing if it goes by weight."""
    if service.prefer == "weights":
        return ""
    first, *others = ["own mesh"] if service.prefer == "local" else service.prefer
    return ", then ".join([f"{first} first", *others])


def place(service: Service, mesh: str) -> str:
    """Return what an exporting mesh is among the others: its share of requests, or its place in the order."""
    if not service.weights[mesh]:
        return "0 %"
    if isinstance(service.prefer, list):
        order = [name for name in service.prefer if service.weights.get(name)]
        number = order.index(mesh) + 1 if mesh in order else len(order) + 1
        return f"{number}{_ORDINALS.get(number, 'th')}"
    return f"{service.shares[mesh] * 100:.0f} %"


def callers(service: Service, meshes: Sequence[Mesh]) -> str:
    """Return who may call a service from inside the meshes."""
    if service.callers is None:
        return "called as its own stack says"
    whole = [mesh for mesh, identities in service.callers.items() if identities == ["*"]]
    listed = [
        f"{mesh}/{identity}"
        for mesh, identities in service.callers.items()
        for identity in identities
        if identity != "*"
    ]
    if len(whole) == len(meshes) > 1:
        whole = ["every mesh"]
    return "called by " + (", ".join([*whole, *listed, *service.others]) or "nobody")


def outside(service: Service) -> str:
    """Return by which hosts a service is reached from outside all meshes; nothing if it is not."""
    hosts = ["any host" if host == "*" else host for host in service.hosts]
    return f"from outside: {', '.join(hosts)}" if hosts else ""
