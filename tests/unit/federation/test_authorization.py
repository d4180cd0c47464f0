"""Who may call an exported service."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from planned import DOMAINS, ECHO, WORKLOADS, called, echo, in_one_mesh, specs

from components.federation import authorization as policies
from components.federation.availability import AvailableService
from components.federation.callers import callers
from components.federation.plan import PlannedObject
from components.federation.workload import Workload
from components.mesh.roles import Role


def authorization(
    service: AvailableService, role: Role, trust_domains: Mapping[str, Sequence[str]]
) -> list[PlannedObject]:
    return policies.authorization(service, role, callers(service.service, trust_domains))


def principals(service: AvailableService, role: Role) -> dict[str, list[str]]:
    made = specs(authorization(service, role, DOMAINS))
    found = {}
    for suffix, key in (("callers", "principals"), ("others", "notPrincipals")):
        if suffix in made:
            [rule] = made[suffix]["rules"]
            found[suffix] = rule["from"][0]["source"][key]
    return found


def ports(spec: Any) -> list[str]:
    return spec["rules"][0]["to"][0]["operation"]["ports"]


def test_where_the_own_mesh_may_call_nobody_is_denied() -> None:
    assert principals(ECHO, Role("east", "east.mesh")) == {"callers": ["east.mesh/*", "south.mesh/*", "west.mesh/*"]}


def test_where_only_some_may_call_all_others_are_denied() -> None:
    some = echo(callers=["west", "south/ns/shop/sa/web"])
    expected = ["west.mesh/*", "south.mesh/ns/shop/sa/web"]
    assert principals(some, Role("east", "east.mesh")) == {"callers": expected, "others": expected}


def test_the_gateways_of_meshes_that_may_not_call_may_forward_from_ingress_hosts() -> None:
    public = echo(callers=["east"], ingress_hosts=["*"])
    assert principals(public, Role("east", "east.mesh"))["callers"] == [
        "east.mesh/*",
        "south.mesh/ns/istio-system/sa/istio-ingressgateway",
        "west.mesh/ns/istio-system/sa/istio-ingressgateway",
    ]


def test_policies_stand_beside_the_workload_and_name_its_pods_and_port() -> None:
    planned = authorization(ECHO, Role("east", "east.mesh"), DOMAINS)
    assert [(one.namespace, one.name) for one in planned] == [("demo", "echo.demo.global.callers")]
    spec = specs(planned)["callers"]
    assert spec["selector"] == {"matchLabels": {"app": "echo"}}
    assert spec["rules"][0]["to"] == [{"operation": {"ports": ["8080"]}}]


def test_a_mesh_that_does_not_export_has_no_policy() -> None:
    assert authorization(ECHO, Role("south", "south.mesh"), DOMAINS) == []


def test_a_primary_has_the_policy_of_the_clusters_that_it_serves() -> None:
    only_east = replace(ECHO, workloads={"east": WORKLOADS["east"]})
    [policy] = authorization(only_east, in_one_mesh("west", serves=["east"]), DOMAINS | {"east": ["single.mesh"]})
    assert policy.name == "echo.demo.global.callers"


def test_a_primary_has_a_policy_for_each_selector_that_the_service_has_in_the_clusters() -> None:
    other = Workload({"app": "echo", "version": "v2"}, {80: "http"}, {80: [9090]})
    service = replace(ECHO, workloads=WORKLOADS | {"west": other})
    role = in_one_mesh("east", serves=["west"])
    planned = authorization(replace(service, service=echo(callers=["west/ns/shop"]).service), role, DOMAINS)
    assert [(called(one), one.spec["selector"]["matchLabels"], ports(one.spec)) for one in planned] == [
        ("callers", {"app": "echo"}, ["8080"]),
        ("others", {"app": "echo"}, ["8080"]),
        ("callers.west", {"app": "echo", "version": "v2"}, ["9090"]),
        ("others.west", {"app": "echo", "version": "v2"}, ["9090"]),
    ]


def test_a_named_port_of_pods_that_differ_is_open_by_every_number() -> None:
    named = replace(ECHO, workloads={"east": Workload({"app": "echo"}, {80: "http"}, {80: [8080, 8081]})})
    [rule] = specs(authorization(named, Role("east", "east.mesh"), DOMAINS))["callers"]["rules"]
    assert rule["to"] == [{"operation": {"ports": ["8080", "8081"]}}]


def test_a_whole_namespace_may_call() -> None:
    assert principals(echo(callers=["west/ns/shop"]), Role("east", "east.mesh"))["callers"] == ["west.mesh/ns/shop/*"]


def test_a_mesh_that_does_not_export_at_the_moment_goes_on_refusing_others() -> None:
    guarded = replace(
        echo(callers=["west"]), workloads={"west": WORKLOADS["west"]}, guarded={"east": WORKLOADS["east"]}
    )
    assert set(specs(authorization(guarded, Role("east", "east.mesh"), DOMAINS))) == {"callers", "others"}
