"""An exported service on plain values, and what is planned for it: no engine, no cluster."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from components.federation.availability import AvailableService
from components.federation.exported_service import ExportedService
from components.federation.plan import PlannedObject
from components.federation.routes import Exporter, Routes
from components.federation.workload import Workload
from components.mesh.roles import Role
from components.ports import Port
from multimesh.contract import Protocol

WORKLOADS = {mesh: Workload({"app": "echo"}, {80: "http"}, {80: [8080]}) for mesh in ("east", "west")}
EXPORTED = ExportedService(
    name="echo",
    namespace="demo",
    suffix="global",
    ports={80: None},
    weights={"east": 1, "west": 3},
    callers=["east", "south", "west"],
    service_account="echo",
)
ECHO = AvailableService(EXPORTED, [Port(80, "http")], WORKLOADS)
EAST = Exporter("east", 25, ["east.mesh"], "10.9.0.1", 31443)
WEST = Exporter("west", 75, ["west.mesh"], "10.9.0.2", 15443)
DOMAINS = {mesh: [f"{mesh}.mesh"] for mesh in ("west", "south", "east")}
SHARED = [replace(one, trust_domains=["single.mesh"]) for one in (EAST, WEST)]


def echo(**given: Any) -> AvailableService:
    """Return the service with some of its settings changed."""
    return replace(ECHO, service=replace(EXPORTED, **given))


def of_ports(*ports: Port, **workload: Any) -> AvailableService:
    """Return the service with these ports, each the same in its pods."""
    protocols: dict[int, Protocol] = {port.number: port.protocol for port in ports}
    targets = {port.number: [port.number] for port in ports}
    found = {mesh: Workload({"app": "echo"}, protocols, targets, **workload) for mesh in WORKLOADS}
    return AvailableService(replace(EXPORTED, ports=dict.fromkeys(protocols)), ports, found)


def routes(available: AvailableService, role: Role, exporters: Sequence[Exporter]) -> list[PlannedObject]:
    """Return the service's routes in one mesh."""
    return Routes(available, exporters).in_mesh(role)


def specs(planned: Sequence[PlannedObject]) -> dict[str, Any]:
    """Return the specs by the ending of the objects' names, or by their kind if that is all that they differ in."""
    return {called(one): one.spec for one in planned}


def called(one: PlannedObject) -> str:
    """Return the ending of an object's name; its kind, in words with hyphens, if there is none."""
    ending = one.name.removeprefix(EXPORTED.global_name).removeprefix(".")
    return ending or re.sub(r"(?<=[a-z])(?=[A-Z])", "-", one.kind).lower()


def endpoints(planned: Sequence[PlannedObject]) -> list[tuple[str, str, int, str | None]]:
    return [
        (endpoint["locality"], endpoint["address"], endpoint["ports"]["http-80"], endpoint.get("network"))
        for endpoint in specs(planned)["service-entry"]["endpoints"]
    ]


def in_one_mesh(cluster: str = "east", network: str | None = None, **given: Any) -> Role:
    return Role(cluster, "single.mesh", one_mesh=True, network=network, **given)
