"""Whom the users' own ALLOW policies keep out, and how it is said."""

from dataclasses import replace
from typing import Any

import pytest
from clusters import HTTP, WEB, cluster, endpoint_slice, spec

from components.federation import restrictions
from components.federation.availability import KnownCluster, UnusableServicesError, available
from components.federation.exported_service import ExportedService
from components.federation.inventory import Inventory
from components.federation.pods import Pod
from components.federation.policies import Policy
from components.federation.workload import Workload
from components.mesh.roles import Role
from multimesh.control_plane import ControlPlane

OF_WEB = {"matchLabels": {"app": "web"}}
WORKLOAD = Workload({"app": "web"}, {80: "http"}, {80: [8080]}, pods=frozenset({"web-1"}))


def allow(*rules: Any, namespace: str = "shop", name: str = "mine", **of: Any) -> Policy:
    return Policy("AuthorizationPolicy", namespace, name, {"rules": list(rules), **of})


def source(**given: Any) -> dict[str, Any]:
    return {"from": [{"source": given}]}


def to(**given: Any) -> dict[str, Any]:
    return {"to": [{"operation": given}]}


OWN = source(principals=["east.mesh/ns/shop/sa/web"])


def inventory(*policies: Policy) -> Inventory:
    found = cluster(spec(HTTP), endpoint_slice("web-1", http=8080), pods={"web-1": Pod(labels={"app": "web"})})
    return replace(found, policies=policies)


def out(*policies: Policy, callers: str = "west.mesh/*") -> list[str]:
    return restrictions.kept_out("shop", WORKLOAD, inventory(*policies), [callers])[1]


@pytest.mark.parametrize(
    "policies",
    [
        (allow(),),
        (allow(OWN),),
        (allow(OWN, selector=OF_WEB),),
        (allow(OWN, namespace="istio-system"),),
        (allow(to(ports=["9090"])),),
        (allow(to(notPorts=["8080"])),),
        (allow(source(principals=["*/sa/web"]) | to(ports=["9090"])),),
        (allow(OWN), allow(source(principals=["south.mesh/*"]), name="other")),
    ],
)
def test_a_caller_that_no_rule_may_admit_is_kept_out(policies: tuple[Policy, ...]) -> None:
    assert out(*policies) == ["west.mesh/*"]


@pytest.mark.parametrize(
    "policies",
    [
        (),
        (allow({}),),
        (allow(OWN), allow(source(principals=["west.mesh/ns/shop/sa/web"]), name="other")),
        (allow(source(principals=["*"])),),
        (allow(source(principals=["west.mesh/*"])),),
        (allow(source(principals=["*/sa/web"])),),
        (allow(source(namespaces=["shop"])),),
        (allow(source(requestPrincipals=["*"])),),
        (allow(to(paths=["/public"])),),
        (allow(to(ports=["8080"])),),
        (allow(OWN, action="DENY"),),
        (allow(OWN, namespace="billing"),),
        (allow(OWN, selector={"matchLabels": {"app": "api"}}),),
    ],
)
def test_a_caller_that_may_be_admitted_is_not_named(policies: tuple[Policy, ...]) -> None:
    assert out(*policies) == []


@pytest.mark.parametrize(
    ("namespaces", "kept"), [(["shop"], False), (["sh*"], False), (["billing"], True), (["*"], False)]
)
def test_a_rule_of_namespaces_is_for_those_of_every_mesh(namespaces: list[str], kept: bool) -> None:
    assert bool(out(allow(source(namespaces=namespaces)), callers="west.mesh/ns/shop/sa/web")) == kept


def of(service: ExportedService, *policies: Policy) -> list[str]:
    clusters = {"east": KnownCluster(inventory(*policies), {}, Role("east", "east.mesh"))}
    return available([service], clusters, {"east": ["east.mesh"], "west": ["west.mesh"]})[1]


def test_a_listed_caller_that_the_owner_keeps_out_is_refused_with_both_ways_out() -> None:
    with pytest.raises(UnusableServicesError) as caught:
        of(replace(WEB, callers=["east", "west"]), allow(OWN))
    assert str(caught.value).splitlines()[1].strip() == (
        "multimesh:services[0].callers: AuthorizationPolicy shop/mine in mesh east does not admit west.mesh/*: "
        "name them in a rule of it, or take them out of callers"
    )


def test_a_caller_that_nobody_listed_is_said() -> None:
    assert of(replace(WEB, callers=["east", "west"], callers_listed=False), allow(OWN)) == [
        "web.shop.global: AuthorizationPolicy shop/mine in mesh east does not admit west.mesh/*: "
        "name them in a rule of it, or list who may call in callers"
    ]


FORMER = allow(source(principals=["east.mesh/*"]), namespace="istio-system", name="own-identities")


def test_policies_that_are_in_force_again_are_said_once_for_a_mesh() -> None:
    many = [allow(OWN, name=f"locked-{number}") for number in range(7)]
    [note] = restrictions.notes("east", [FORMER, *many], [80])
    assert note.startswith("mesh east: from this update on AuthorizationPolicy shop/locked-0, ")
    assert "shop/locked-4 and 2 more also keeps out workloads of this mesh" in note
    assert restrictions.notes("east", many, [80]) == []


@pytest.mark.parametrize(
    ("policy", "ports", "closed"),
    [
        (allow(namespace="istio-system"), [80], "80"),
        (allow(OWN, namespace="istio-system"), [80, 15012, 15017], "80, 15012, 15017"),
        (allow(to(ports=["80"]), namespace="istio-system"), [80, 15012], "15012"),
    ],
)
def test_a_policy_that_closes_the_gateway_is_said(policy: Policy, ports: list[int], closed: str) -> None:
    [note] = restrictions.notes("east", [policy], ports)
    assert f"istio-system/mine closes port {closed} of the gateway to clients outside" in note


@pytest.mark.parametrize(
    "policy",
    [
        allow(to(ports=["80"]), namespace="istio-system"),
        allow(source(remoteIpBlocks=["192.0.2.0/24"]), namespace="istio-system"),
        allow(namespace="istio-system", selector=OF_WEB),
        allow(namespace="shop"),
    ],
)
def test_a_policy_that_may_admit_clients_of_the_gateway_is_not(policy: Policy) -> None:
    assert restrictions.notes("east", [policy], [80]) == []


JOINED = Role(
    "east", "east.mesh", plane=ControlPlane(root_namespace="mesh", gateway="multimesh-gateway", installed=False)
)


def test_a_policy_stays_in_force_in_a_mesh_that_somebody_else_runs() -> None:
    clusters = {"east": KnownCluster(inventory(allow(OWN)), {}, JOINED)}
    unlisted = replace(WEB, callers=["east"], callers_listed=False)
    services, notes = available([unlisted], clusters, {"east": ["east.mesh"]})
    assert "east" in services[0].workloads
    assert notes == []


@pytest.mark.parametrize(
    ("gateway", "said"), [("mesh/sa/multimesh-gateway", False), ("istio-system/sa/istio-ingressgateway", True)]
)
def test_who_enters_by_the_gateway_of_such_a_mesh_has_its_account(gateway: str, said: bool) -> None:
    admits = allow(source(principals=["east.mesh/ns/shop/sa/web", f"east.mesh/ns/{gateway}"]))
    clusters = {"east": KnownCluster(inventory(admits), {}, JOINED)}
    public = replace(WEB, callers=["east/ns/shop/sa/web"], callers_listed=False, ingress_hosts=["*"])
    _, notes = available([public], clusters, {"east": ["east.mesh"]}, {"east": JOINED.plane})
    assert any("does not admit east.mesh/ns/mesh/sa/multimesh-gateway" in note for note in notes) == said


def test_a_policy_that_closes_the_gateway_of_such_a_mesh_is_said() -> None:
    def root_policy(**of: Any) -> Policy:
        return replace(allow(OWN, namespace="mesh", **of), root="mesh")

    [note] = restrictions.notes("east", [root_policy()], [80], JOINED.plane)
    assert note.endswith("add an ALLOW for it in mesh, with the selector istio: multimesh-gateway")
    theirs = root_policy(selector={"matchLabels": {"istio": "ingressgateway"}})
    assert restrictions.notes("east", [theirs], [80], JOINED.plane) == []
