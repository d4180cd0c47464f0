"""Whether a caller's objects lead to every mesh that exports a service, through the door that it has. Pure functions.

Read from the rendered objects, not from the configuration, so that a mistake of the renderer shows before it takes a
service away. A single mesh has no such chain: there istiod itself finds the endpoints.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.federation.availability import AvailableService
from components.federation.plan import PlannedObject
from components.federation.weights import percentages
from components.istio import Spec
from components.ports import Port
from components.routing import MUTUAL_TLS
from multimesh.hosts import CLUSTER_DOMAIN

_PERCENT = 100
_HTTP = {"HTTP", "HTTP2", "GRPC", "GRPC-WEB"}
_SNI = re.compile(r"outbound_\.(\d+)_\._\.(.+)")
"""What a gateway with `AUTO_PASSTHROUGH` forwards: port and name of a Service of its cluster."""

_Reached = tuple[str | None, str, str, Any]
"""An endpoint: its mesh by label and by locality, its address and its port."""


class BrokenChainError(pulumi.RunError):
    """The objects of a mesh do not lead to a service: a fault of multimesh, which the message asks to report."""


@dataclass(frozen=True)
class Entrance:
    """How callers of other meshes enter one: its gateway, the Services that it forwards to, and who answers them."""

    address: str
    port: int
    hosts: Collection[str]
    trust_domains: Collection[str]
    domain: str = CLUSTER_DOMAIN
    """Of its cluster: the Service's own name there ends with it."""


class Chain:
    """What leads to one service; what is the same for all callers is made once, as there may be many."""

    def __init__(self, available: AvailableService, entrances: Mapping[str, Entrance]) -> None:
        """Take the service, and the entrances by mesh, of all that export it."""
        self._service = service = available.service
        self._ports, self._workloads = available.ports, available.workloads
        self._exporters = {mesh: entrances[mesh] for mesh in percentages(service.weights)}
        self._gateways = {mesh: (mesh, mesh, one.address, one.port) for mesh, one in self._exporters.items()}
        self._closed = [mesh for mesh, one in self._exporters.items() if service.local_host not in one.hosts]
        self._identities = {
            f"spiffe://{domain}/ns/{service.namespace}/sa/{service.account_in(mesh)}"
            for mesh, one in self._exporters.items()
            for domain in one.trust_domains
        }
        self._own = {mesh: service.host_in(one.domain) for mesh, one in entrances.items()}

    def check(self, caller: str, planned: Sequence[PlannedObject]) -> None:
        """Raise BrokenChainError, with a line for each break, unless a mesh's objects lead to the whole service."""
        if found := list(self.breaks(caller, planned)):
            raise BrokenChainError("\n".join(["multimesh made routes that lead nowhere, please report it:", *found]))

    def breaks(self, caller: str, planned: Sequence[PlannedObject]) -> Iterator[str]:
        """Yield a line for each break between the service's objects in the mesh `caller` and those that export it."""
        for port in self._ports if self._exporters else ():
            for why in [*self._at_port(port, caller, planned), *self._not_found(port, caller, planned)]:
                yield f"{self._service.global_name}:{port.number} from {caller}: {why}"

    def _at_port(self, port: Port, caller: str, planned: Sequence[PlannedObject]) -> Iterator[str]:
        host = self._service.global_name
        found = {
            kind: [one.spec for one in planned if one.kind == kind and _is_for(one, host)]
            for kind in ("VirtualService", "ServiceEntry", "DestinationRule")
        }
        if wrong := [f"{len(specs)} objects {kind} for its name" for kind, specs in found.items() if len(specs) != 1]:
            yield from wrong
            return
        (routes,), (entry,), (rule,) = found.values()
        policies = [
            one for one in rule["trafficPolicy"]["portLevelSettings"] if one["port"].get("number") == port.number
        ]
        ports = [one for one in entry["ports"] if one.get("number") == port.number]
        if len(policies) != 1 or len(ports) != 1:
            yield f"{len(ports)} ports of the ServiceEntry, {len(policies)} policies of the DestinationRule"
            return
        first = [_endpoint(one, ports[0]["name"]) for one in entry["endpoints"]]
        later = list(_standby(planned, host, port.number))
        yield from self._wrong_routes(port, caller, routes, rule)
        yield from _wrong_port(port, entry, ports[0])
        yield from self._wrong_endpoints(port, caller, [*first, *later])
        yield from self._wrong_name(port, caller, policies[0]["tls"])
        by_weight = not later and self._service.split == "failover"
        yield from _wrong_shares(policies[0]["loadBalancer"], {mesh for mesh, *_ in first} if by_weight else None)
        if (accepted := {*entry["subjectAltNames"]}) != self._identities:
            yield f"{', '.join(sorted(accepted ^ self._identities))}: accepted and no exporter, or the other way round"

    def _wrong_routes(self, port: Port, caller: str, routes: Spec, rule: Spec) -> Iterator[str]:
        """Names and ports that are not the service's, requests that nothing matches, or that are led elsewhere."""
        complete, workload = False, self._workloads.get(caller)
        short = [self._own[caller]] if workload and workload.short_name else []
        if {*routes["hosts"]} != {self._service.global_name, *short}:
            yield f"routes for {', '.join(routes['hosts'])}"
        for route in routes.get("http" if port.is_http else "tcp") or ():
            matches = route.get("match") or [{}]
            if not {match.get("port") for match in matches} <= {*self._service.ports}:
                yield "a route that takes requests of other ports"
            if any(match.get("port", port.number) == port.number for match in matches):
                complete |= {"port": port.number} in matches
                yield from self._wrong_destinations(port, route["route"], rule)
        if not complete:
            yield "no route for all of its requests"

    def _wrong_destinations(self, port: Port, route: Sequence[Spec], rule: Spec) -> Iterator[str]:
        destinations = [one["destination"] for one in route]
        wanted = (self._service.global_name, {"number": port.number})
        if any((one["host"], one["port"]) != wanted for one in destinations):
            yield "a route to another host or port"
        subsets = {one["name"]: one["labels"].get("mesh") for one in rule.get("subsets", ())}
        chosen = [one.get("subset") for one in destinations]
        if chosen == [None]:
            return
        if {subsets.get(name or "") for name in chosen} != {*self._exporters} or len(chosen) != len(self._exporters):
            yield f"a route to the subsets {chosen}, which are not the exporters"
        if sum(one.get("weight", 0) for one in route) != _PERCENT:
            yield "weights that do not add up"

    def _wrong_endpoints(self, port: Port, caller: str, endpoints: Sequence[_Reached]) -> Iterator[str]:
        """Exporters that are reached not once, or elsewhere than at their gateway, their own Service for the caller."""
        wanted = {*self._gateways.values()}
        if caller in self._exporters:
            wanted ^= {self._gateways[caller], self._own_endpoint(port, caller)}
        found = {*endpoints}
        if found != wanted or len(found) != len(endpoints):
            yield f"its endpoints are {sorted(map(str, endpoints))}, and should be {sorted(map(str, wanted))}"

    def _own_endpoint(self, port: Port, caller: str) -> _Reached:
        workload = self._workloads[caller]
        number = workload.targets[port.number][0] if workload.headless else port.number
        return caller, caller, f"{self._own[caller]}.", number

    def _not_found(self, port: Port, caller: str, planned: Sequence[PlannedObject]) -> Iterator[str]:
        """What a gateway does not find, as its cluster has another domain than the name that peers ask for."""
        asked = self._service.local_host
        if caller not in self._exporters or self._own[caller] == asked:
            return
        entries = [one.spec for one in planned if one.kind == "ServiceEntry" and one.spec["hosts"] == [asked]]
        named = [(entry, listed) for entry in entries for listed in entry["ports"] if listed["number"] == port.number]
        if len(entries) != 1 or len(named) != 1:
            yield f"{len(entries)} ServiceEntries, {len(named)} ports for the name that peers ask for"
            return
        [(entry, listed)] = named
        yield from _wrong_port(port, entry, listed)
        if [_endpoint(one, listed["name"]) for one in entry["endpoints"]] != [self._own_endpoint(port, caller)]:
            yield "the name that peers ask for leads elsewhere"
        if any(not MUTUAL_TLS.items() <= one["labels"].items() for one in entry["endpoints"]):
            yield "the gateway takes it for a Service without sidecars"
        if entry.get("exportTo") != ["."]:
            yield "sidecars see the name that peers ask for"

    def _wrong_name(self, port: Port, caller: str, tls: Spec) -> Iterator[str]:
        """Connections that the exporters' gateways refuse."""
        asked = _SNI.fullmatch(tls.get("sni", ""))
        if tls.get("mode") != "ISTIO_MUTUAL" or asked is None:
            yield "no mutual TLS with the name of a Service"
        elif (int(asked[1]), asked[2]) != (port.number, self._service.local_host):
            yield f"it asks for {asked[2]}:{asked[1]}"
        if remote := sorted(mesh for mesh in self._closed if mesh != caller):
            yield f"the gateways of {', '.join(remote)} do not forward it"


def _is_for(one: PlannedObject, host: str) -> bool:
    """Return whether an object is for the sidecars' requests to a host."""
    if one.kind == "DestinationRule":
        return one.spec["host"] == host
    return host in one.spec["hosts"] and "mesh" in one.spec.get("gateways", ["mesh"])


def _endpoint(one: Spec, port: str) -> _Reached:
    return one["labels"].get("mesh"), one["locality"], one["address"], one["ports"].get(port)


def _standby(planned: Sequence[PlannedObject], host: str, port: int) -> Iterator[_Reached]:
    """Yield the endpoints that take over when the first are lost."""
    wanted = {"context": "ANY", "cluster": {"service": host, "portNumber": port}}  # a gateway's requests, too
    patches = [patch for one in planned if one.kind == "EnvoyFilter" for patch in one.spec["configPatches"]]
    for one in patches:
        if (one["applyTo"], one["match"], one["patch"]["operation"]) == ("CLUSTER", wanted, "MERGE"):
            for locality in one["patch"]["value"]["load_assignment"]["endpoints"]:
                region = locality["locality"].get("region")
                for endpoint in locality["lb_endpoints"]:
                    address = endpoint["endpoint"]["address"]["socket_address"]
                    yield region, region, address.get("address"), address.get("port_value")


def _wrong_port(port: Port, entry: Spec, listed: Spec) -> Iterator[str]:
    if (listed["protocol"] in _HTTP) != port.is_http or listed["protocol"] not in {*_HTTP, "TCP"}:
        yield f"protocol {listed['protocol']}, and the service speaks {port.protocol}"
    if len({one["name"] for one in entry["ports"]}) != len(entry["ports"]):
        yield "two ports of one name"
    if entry["location"] != "MESH_INTERNAL":
        yield "no mutual TLS to its endpoints"
    if entry["resolution"] != "DNS":
        yield "names among its endpoints are not resolved"


def _wrong_shares(load_balancer: Spec, meshes: Collection[str | None] | None) -> Iterator[str]:
    """Shares that are not those of all `meshes`; there must be none if these are None."""
    settings = load_balancer["localityLbSetting"]
    shares = settings.get("distribute", ())
    if settings["enabled"] != bool(shares) or len(shares) != int(meshes is not None):
        yield "shares that do not hold, or that are not asked for"
    for part in shares:
        if {*part["to"]} != {f"{mesh}/*" for mesh in meshes or ()} or part["from"] != "*":
            yield f"shares of {', '.join(sorted(part['to']))}, which are not its endpoints"
        if sum(part["to"].values()) != _PERCENT:
            yield "shares that do not add up"
