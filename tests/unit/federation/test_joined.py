"""What a service gets in a mesh that somebody else runs: all in its root namespace, and nothing for other pods."""

from dataclasses import replace
from typing import Any

import pytest
from planned import DOMAINS, EAST, ECHO, WEST, WORKLOADS, called, echo, routes, specs

from components import istio
from components.federation import order
from components.federation.authorization import authorization, closed
from components.federation.availability import AvailableService
from components.federation.callers import callers
from components.federation.exposure import exposures
from components.federation.plan import PlannedObject, placed
from components.mesh.roles import Role
from multimesh.check.authorization import Caller, decide
from multimesh.control_plane import ControlPlane

PLANE = ControlPlane(
    namespace="mesh", root_namespace="mesh-config", revision="stable", gateway="multimesh-gateway", installed=False
)
JOINED = Role("east", "east.mesh", plane=PLANE, federated=["south.mesh", "west.mesh"])
ALLOWED = callers(ECHO.service, DOMAINS)


def closing(*services: AvailableService, role: Role = JOINED) -> dict[str, list[dict[str, Any]]]:
    """Return the rules that close ports of pods to other meshes, by object."""
    return {one.name: one.spec["rules"] for one in closed(role, services)}


def with_workload(service: AvailableService, **changes: Any) -> AvailableService:
    """Return the service with these changes to its workload in every mesh."""
    return replace(service, workloads={mesh: replace(one, **changes) for mesh, one in WORKLOADS.items()})


def reaches(objects: list[PlannedObject], trust_domain: str, port: int) -> bool | None:
    """Return whether an identity of a mesh reaches a port of the pods, as Istio evaluates the policies."""
    there = [
        {"metadata": {"namespace": one.namespace, "name": one.name}, "spec": one.spec}
        for one in objects
        if one.kind == "AuthorizationPolicy"
    ]
    pod = {"metadata": {"namespace": "demo", "labels": WORKLOADS["east"].selector}}
    return decide(there, pod, port, Caller(trust_domain, "shop", "web"), PLANE.root_namespace).admitted


def test_no_object_is_for_pods_that_are_not_exported() -> None:
    made = [*closed(JOINED, [ECHO]), *authorization(ECHO, JOINED, ALLOWED)]
    assert {(one.kind, one.namespace) for one in made} == {("AuthorizationPolicy", "demo")}
    assert all(one.spec["selector"]["matchLabels"] == WORKLOADS["east"].selector for one in made)
    assert closed(JOINED, []) == []


def test_policies_only_deny() -> None:
    made = [*closed(JOINED, [ECHO]), *authorization(ECHO, JOINED, ALLOWED)]
    assert {one.spec["action"] for one in made} == {"DENY"}


@pytest.mark.parametrize(
    ("trust_domain", "port", "admitted"),
    [
        ("east.mesh", 8080, True),
        ("west.mesh", 8080, True),
        ("other.example", 8080, False),
        ("east.mesh", 9090, True),
        ("west.mesh", 9090, False),
        ("other.example", 9090, False),
        ("east.mesh", 9999, True),
        ("west.mesh", 9999, False),
        ("other.example", 9999, True),
    ],
)
def test_other_meshes_reach_exported_ports_alone(trust_domain: str, port: int, admitted: bool) -> None:
    # other.example: whom the mesh trusts without this federation.
    service = with_workload(ECHO, unlisted=[9090])
    made = [*closed(JOINED, [service]), *authorization(service, JOINED, ALLOWED)]
    assert reaches(made, trust_domain, port) is admitted


def test_an_alias_of_the_mesh_is_its_own() -> None:
    role = replace(JOINED, aliases=["old.mesh"])
    made = closed(role, [with_workload(ECHO, unlisted=[9090])])
    assert reaches(made, "old.mesh", 9090)


def test_plaintext_is_left_to_the_policies_of_who_runs_the_mesh() -> None:
    service = with_workload(echo(callers_listed=False), unlisted=[9090])
    made = [*closed(JOINED, [service]), *authorization(service, JOINED, ALLOWED)]
    sources = [source["source"] for one in made for rule in one.spec["rules"] for source in rule["from"]]
    assert len(sources) == 3
    assert all(source.get("principals") for source in sources)


def test_listed_callers_close_exported_ports_to_plaintext() -> None:
    listed = echo(callers=["west"], callers_listed=True)
    [rule] = specs(authorization(listed, JOINED, callers(listed.service, DOMAINS)))["others"]["rules"]
    assert rule["from"] == [{"source": {"notPrincipals": ["west.mesh/*"]}}]


def test_services_of_the_same_pods_do_not_close_each_others_ports() -> None:
    admin = with_workload(ECHO, protocols={81: "http"}, targets={81: [9090]}, unlisted=[8080])
    admin = replace(admin, service=replace(ECHO.service, name="admin"))
    made = closed(JOINED, [with_workload(ECHO, unlisted=[9090]), admin])
    assert [reaches(made, "west.mesh", port) for port in (8080, 9090, 9999)] == [True, True, False]


def test_services_of_other_pods_open_nothing() -> None:
    other = with_workload(ECHO, selector={"app": "other"}, targets={80: [9090]}, pods=frozenset())
    other = replace(other, service=replace(ECHO.service, name="other"))
    assert reaches(closed(JOINED, [ECHO, other]), "west.mesh", 9090) is False


def test_a_service_that_is_not_exported_at_the_moment_stays_closed() -> None:
    guarded = replace(ECHO, workloads={}, guarded=WORKLOADS)
    assert closing(guarded) == closing(ECHO) != {}


def test_what_opens_a_port_is_written_after_what_denies_it() -> None:
    [unexported] = closing(ECHO)
    [others] = [one.name for one in authorization(ECHO, JOINED, ALLOWED)]
    assert order.step("AuthorizationPolicy", others) < order.step("AuthorizationPolicy", unexported)


def test_who_reaches_what_is_the_same_as_in_other_meshes() -> None:
    def seen(role: Role, joined: list[str]) -> list[dict[str, object]]:
        return exposures(ECHO, {"east": authorization(ECHO, role, ALLOWED)}, DOMAINS, joined)

    assert seen(JOINED, ["east"]) == seen(Role("east", "east.mesh"), []) != []


def test_its_gateway_has_an_account_of_its_own() -> None:
    public = echo(callers=["west"], ingress_hosts=["*"])
    assert "east.mesh/ns/mesh-config/sa/multimesh-gateway" in callers(public.service, DOMAINS, {"east": PLANE})
    assert "east.mesh/ns/istio-system/sa/istio-ingressgateway" in callers(public.service, DOMAINS)


def test_all_that_is_in_istio_system_elsewhere_is_in_its_root_namespace() -> None:
    made = routes(echo(ingress_hosts=["*"]), JOINED, [EAST, WEST])
    moved = [placed(one, PLANE.root_namespace) for one in made]
    assert {one.namespace for one in moved} == {"mesh-config"}
    assert {called(one): one.spec for one in moved}["ingress"]["gateways"] == ["mesh-config/ingress"]
    assert [placed(one, istio.NAMESPACE) for one in made] == made
