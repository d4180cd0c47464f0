"""What the picture shows, read from the stack's outputs. Pure functions."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from multimesh.contract import Exposure, Prefer, Protocol, VerifyOutputs

ANY_IDENTITY = " (any identity)"
"""How an exposure ends whose caller is every workload of a mesh."""
_AS = " as "
"""Between a service and the host by which the ingress leads to it."""


@dataclass(frozen=True)
class Mesh:
    """A mesh; in a single mesh, one of its clusters."""

    name: str
    stack: str
    """The stack of a peer; empty for a mesh of this stack."""
    cluster: str
    """The kind of its cluster; empty where it is not known."""
    trust_domain: str
    gateway: str
    """`<address>:<port>` for its peers."""
    ingress: list[str]
    """The URLs for clients outside all meshes."""
    control_plane: str
    """The mesh whose control plane serves it."""
    ca_expires: str
    """The day (UTC, YYYY-MM-DD); empty where it is not known."""


@dataclass(frozen=True)
class Service:
    """A service that at least one mesh exports."""

    name: str
    """Its global name."""
    ports: dict[int, Protocol | None]
    """The protocol of each port; None where it is not known."""
    weights: dict[str, int]
    """By mesh that exports it."""
    prefer: Prefer
    callers: dict[str, list[str]] | None
    """By calling mesh the identities that may call, `*` for all of them; None where its stack alone knows."""
    others: list[str]
    """Callers that are no mesh's: `any workload of the root`."""
    hosts: list[str]
    """By which clients outside all meshes reach it through the ingress."""

    @property
    def shares(self) -> dict[str, float]:
        """The share of requests (0 to 1) that each mesh gets by weight."""
        total = sum(self.weights.values())
        return {mesh: weight / total if total else 0.0 for mesh, weight in self.weights.items()}


@dataclass(frozen=True)
class Trust:
    """The root of trust."""

    expires: str
    """The day (UTC, YYYY-MM-DD); empty where it is not known."""
    fingerprint: str
    """SHA-256, as openssl prints it."""


@dataclass(frozen=True)
class Topology:
    """A stack and its peers."""

    kind: str
    network: str
    """`gateways` or `flat` of a single mesh; empty for others."""
    trust: Trust
    meshes: list[Mesh]
    services: list[Service]

    @property
    def one_mesh(self) -> bool:
        """Whether all clusters are one mesh."""
        return self.kind != "multi-mesh"


def topology(outputs: VerifyOutputs) -> Topology:
    """Return what a stack's outputs say of it and of its peers, in one order whatever theirs is."""
    form = outputs.topology
    kind = form.kind if form else "single-mesh" if outputs.one_mesh else "multi-mesh"
    primary = form.primary if form else None
    own = [
        Mesh(
            name,
            "",
            about.cluster or "",
            about.trust_domain,
            f"{about.gateway_address}:{about.gateway_port}",
            [url for url in (about.ingress_url, about.https_url) if url],
            primary or name,
            _day(about.ca_expires),
        )
        for name, about in sorted(outputs.meshes.items())
    ]
    known = outputs.peers
    only_by_weight = {mesh for weights in outputs.services.values() for mesh in weights} - outputs.meshes.keys()
    peers = [
        Mesh(name, known[name].stack, "", known[name].trust_domain, _gateway(outputs, name), [], name, "")
        if name in known
        else Mesh(name, "not known", "", "", "", [], name, "")
        for name in sorted({*only_by_weight, *known})
    ]
    trust = Trust(_day(outputs.root_ca_expires or ""), outputs.root_ca_fingerprint)
    meshes = [*own, *peers]
    services = [_service(outputs, name, {mesh.name for mesh in meshes}) for name in sorted(outputs.services)]
    return Topology(kind, (form and form.network) or "", trust, meshes, services)


def as_json(picture: Topology) -> str:
    """Return the picture as one JSON object, the same bytes for the same outputs."""
    return json.dumps(asdict(picture), indent=2)


def _gateway(outputs: VerifyOutputs, mesh: str) -> str:
    about = outputs.peers[mesh]
    return f"{about.gateway_address}:{about.gateway_port}"


def _service(outputs: VerifyOutputs, name: str, meshes: set[str]) -> Service:
    short = ".".join(name.split(".")[:2])
    found = [one for one in outputs.exposure or () if one.service.startswith((f"{short}:", f"{short}{_AS}"))]
    probe = outputs.probes.get(name)
    ports: dict[int, Protocol | None] = dict(probe.ports) if probe else {}
    hosts = list[str]()
    reached = list[Exposure]()
    for one in found:
        _, as_host, host = one.service.partition(_AS)
        if as_host:
            hosts.append(host)
        else:
            ports.setdefault(int(one.service.rpartition(":")[2]), None)
            reached.append(one)
    callers, others = _callers((caller for one in reached for caller in one.callers), meshes)
    return Service(
        name,
        dict(sorted(ports.items())),
        dict(sorted(outputs.services[name].items())),
        outputs.preferences.get(name) or (probe.prefer if probe else "weights"),
        callers if reached else None,
        others,
        sorted(set(hosts)),
    )


def _callers(said: Iterable[str], meshes: set[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the identities by mesh (`*`: all), and the callers that are no mesh's."""
    found: dict[str, set[str]] = {}
    others = set[str]()
    for caller in said:
        # `east, west` are one: meshes with one trust domain
        names, identity = (caller.removesuffix(ANY_IDENTITY), "*") if caller.endswith(ANY_IDENTITY) else _split(caller)
        of = [name for name in names.split(", ") if name in meshes]
        for mesh in of:
            found.setdefault(mesh, set()).add(identity)
        if not of:
            others.add(caller)
    whole = {mesh: ["*"] if "*" in identities else sorted(identities) for mesh, identities in found.items()}
    return dict(sorted(whole.items())), sorted(others)


def _split(caller: str) -> tuple[str, str]:
    names, _, identity = caller.partition("/")
    return names, identity


def _day(moment: str) -> str:
    """Return the day of a moment (RFC 3339); certificates end in UTC."""
    return moment[:10]
