"""Who may call an exported service."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from planned import DOMAINS, ECHO, WORKLOADS, called, echo, in_one_mesh, specs

from components import envoy
from components.federation import authorization as policies
from components.federation.authorization import closed
from components.federation.availability import AvailableService
from components.federation.callers import callers
from components.federation.plan import PlannedObject
from components.federation.workload import Workload
from components.mesh.roles import Role


def authorization(
    service: AvailableService, role: Role, trust_domains: Mapping[str, Sequence[str]]
) -> list[PlannedObject]:
    return policies.authorization(service, role, callers(service.service, trust_domains))


def source(service: AvailableService, role: Role) -> dict[str, list[str]]:
    """Whom the policy of the first selector denies."""
    [rule] = specs(authorization(service, role, DOMAINS))["others"]["rules"]
    return rule["from"][0]["source"]


def ports(spec: Any) -> list[str]:
    return spec["rules"][0]["to"][0]["operation"]["ports"]


OWN = Role("east", "east.mesh")
UNLISTED = echo(callers_listed=False)


def test_by_default_identities_of_no_mesh_of_the_federation_are_denied_and_plaintext_left_alone() -> None:
    everybody = ["east.mesh/*", "south.mesh/*", "west.mesh/*"]
    assert source(UNLISTED, OWN) == {"principals": ["*"], "notPrincipals": everybody}


def test_who_lists_callers_denies_all_others_with_an_identity_or_without() -> None:
    assert source(ECHO, OWN) == {"notPrincipals": ["east.mesh/*", "south.mesh/*", "west.mesh/*"]}
    some = echo(callers=["west", "south/ns/shop/sa/web"])
    assert source(some, OWN) == {"notPrincipals": ["west.mesh/*", "south.mesh/ns/shop/sa/web"]}


@pytest.mark.parametrize("service", [ECHO, UNLISTED, echo(callers=[]), echo(callers=["west"])])
@pytest.mark.parametrize("role", [OWN, in_one_mesh("east", serves=["west"])])
def test_no_policy_allows_as_that_would_annul_those_of_the_user(service: AvailableService, role: Role) -> None:
    planned = [*closed(role), *authorization(service, role, DOMAINS)]
    assert {one.spec["action"] for one in planned if one.kind == "AuthorizationPolicy"} <= {"DENY"}


def test_the_gateways_of_meshes_that_may_not_call_may_forward_from_ingress_hosts() -> None:
    public = echo(callers=["east"], ingress_hosts=["*"])
    assert source(public, OWN)["notPrincipals"] == [
        "east.mesh/*",
        "south.mesh/ns/istio-system/sa/istio-ingressgateway",
        "west.mesh/ns/istio-system/sa/istio-ingressgateway",
    ]


def test_policies_stand_beside_the_workload_and_name_its_pods_and_port() -> None:
    planned = authorization(ECHO, OWN, DOMAINS)
    assert [(one.kind, one.namespace, one.name) for one in planned] == [
        ("AuthorizationPolicy", "demo", "echo.demo.global.others"),
        ("EnvoyFilter", "demo", "echo.demo.global.peers"),
    ]
    spec = specs(planned)["others"]
    assert spec["selector"] == {"matchLabels": {"app": "echo"}}
    assert spec["rules"][0]["to"] == [{"operation": {"ports": ["8080"]}}]


def test_a_mesh_closes_all_pods_to_other_meshes_and_opens_exported_ports_alone() -> None:
    [mesh_wide] = closed(OWN)
    assert mesh_wide.namespace == "istio-system"
    assert "workloadSelector" not in mesh_wide.spec
    opened = specs(authorization(ECHO, OWN, DOMAINS))["peers"]
    assert opened["workloadSelector"] == {"labels": {"app": "echo"}}
    assert envoy.opened_ports(opened) == [8080]


def test_a_single_mesh_has_no_other_mesh_to_keep_out() -> None:
    role = in_one_mesh()
    assert closed(role) == []
    assert authorization(UNLISTED, role, {mesh: ["single.mesh"] for mesh in DOMAINS}) == []


def test_a_mesh_that_does_not_export_has_no_policy() -> None:
    assert authorization(ECHO, Role("south", "south.mesh"), DOMAINS) == []


def test_a_primary_has_the_policy_of_the_clusters_that_it_serves() -> None:
    only_east = replace(ECHO, workloads={"east": WORKLOADS["east"]})
    [policy] = authorization(only_east, in_one_mesh("west", serves=["east"]), DOMAINS | {"east": ["single.mesh"]})
    assert policy.name == "echo.demo.global.others"


def test_a_primary_has_a_policy_for_each_selector_that_the_service_has_in_the_clusters() -> None:
    other = Workload({"app": "echo", "version": "v2"}, {80: "http"}, {80: [9090]})
    service = replace(ECHO, workloads=WORKLOADS | {"west": other})
    role = in_one_mesh("east", serves=["west"])
    planned = authorization(replace(service, service=echo(callers=["west/ns/shop"]).service), role, DOMAINS)
    assert [(called(one), one.spec["selector"]["matchLabels"], ports(one.spec)) for one in planned] == [
        ("others", {"app": "echo"}, ["8080"]),
        ("others.west", {"app": "echo", "version": "v2"}, ["9090"]),
    ]


def test_a_named_port_of_pods_that_differ_is_restricted_by_every_number() -> None:
    named = replace(ECHO, workloads={"east": Workload({"app": "echo"}, {80: "http"}, {80: [8080, 8081]})})
    made = specs(authorization(named, OWN, DOMAINS))
    assert ports(made["others"]) == ["8080", "8081"]
    assert envoy.opened_ports(made["peers"]) == [8080, 8081]


def test_a_whole_namespace_may_call() -> None:
    assert source(echo(callers=["west/ns/shop"]), OWN)["notPrincipals"] == ["west.mesh/ns/shop/*"]


def test_a_mesh_that_does_not_export_at_the_moment_goes_on_refusing_others() -> None:
    guarded = replace(
        echo(callers=["west"]), workloads={"west": WORKLOADS["west"]}, guarded={"east": WORKLOADS["east"]}
    )
    assert set(specs(authorization(guarded, OWN, DOMAINS))) == {"others", "peers"}
