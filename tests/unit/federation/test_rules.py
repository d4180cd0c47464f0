"""Which objects decide what sidecars do with a name."""

from typing import Any

import pytest

from components.federation.cluster_objects import LABELS, NAMED
from components.federation.rules import rule
from multimesh.rules import Rule

WEB = "web.shop.svc.cluster.local"


def made(kind: str, spec: dict[str, Any]) -> Rule | None:
    return rule(kind, {"metadata": {"name": "mine", "namespace": "shop"}, "spec": spec})


def hosts(kind: str, spec: dict[str, Any]) -> list[str]:
    found = made(kind, spec)
    return list(found.hosts) if found else []


@pytest.mark.parametrize(
    ("given", "expected"),
    [("web", WEB), (WEB, WEB), ("web.shop", "web.shop"), ("*", "*"), ("*.local", "*.local")],
)
def test_a_host_without_a_dot_is_a_service_of_the_objects_namespace(given: str, expected: str) -> None:
    assert hosts("VirtualService", {"hosts": [given]}) == [expected]
    assert hosts("DestinationRule", {"host": given}) == [expected]


@pytest.mark.parametrize(
    ("gateways", "decides"), [(None, True), (["mesh"], True), (["mesh", "shop/entry"], True), (["shop/entry"], False)]
)
def test_a_virtual_service_for_gateways_alone_does_not_decide(gateways: list[str] | None, decides: bool) -> None:
    spec = {"hosts": ["web"], **({"gateways": gateways} if gateways else {})}
    assert (made("VirtualService", spec) is not None) == decides


@pytest.mark.parametrize(
    ("says", "alone"),
    [
        ({"trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}}, True),
        ({"trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}, "exportTo": ["."]}, True),
        ({}, True),
        ({"trafficPolicy": {"tls": {"mode": "DISABLE"}}}, False),
        ({"trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}, "connectionPool": {"tcp": {"maxConnections": 9}}}}, False),
        ({"subsets": [{"name": "v1", "labels": {"version": "v1"}}]}, False),
    ],
)
def test_a_destination_rule_of_mutual_tls_alone_is_known(says: dict[str, Any], alone: bool) -> None:
    found = made("DestinationRule", {"host": "web", **says})
    assert found
    assert found.mutual_tls_alone == alone


ATTACHED = [
    ({"kind": "Service", "group": "", "name": "web"}, [WEB]),
    ({"kind": "ServiceEntry", "group": "networking.istio.io", "name": "web.shop.global"}, []),
    ({"kind": "Gateway", "name": "entry"}, []),
]


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"])
@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        *ATTACHED,
        ({"kind": "Service", "group": "", "name": "web", "namespace": "other"}, ["web.other.svc.cluster.local"]),
        ({"kind": "ServiceEntry", "name": "web.shop.global", "namespace": "istio-system"}, ["web.shop.global"]),
        ({"name": "entry"}, []),
    ],
)
def test_a_route_of_the_gateway_api_decides_about_what_it_is_attached_to(
    kind: str, parent: dict[str, Any], expected: list[str]
) -> None:
    assert hosts(kind, {"parentRefs": [parent]}) == expected


@pytest.mark.parametrize(("target", "expected"), ATTACHED)
def test_a_tls_policy_of_the_gateway_api_decides_about_its_targets(target: dict[str, Any], expected: list[str]) -> None:
    assert hosts("BackendTLSPolicy", {"targetRefs": [target]}) == expected


@pytest.mark.parametrize(("said", "decides"), [("true", False), ("True", False), ("false", True)])
def test_a_tls_policy_that_istio_is_told_to_ignore_does_not_decide(said: str, decides: bool) -> None:
    metadata = {"name": "mine", "namespace": "shop", "annotations": {"istio.io/ignore-policy-attachment": said}}
    found = rule("BackendTLSPolicy", {"metadata": metadata, "spec": {"targetRefs": [ATTACHED[0][0]]}})
    assert (found is not None) == decides


@pytest.mark.parametrize(("named", "own"), [("web.shop.global", True), ("a copy", False)])
def test_what_the_program_makes_is_no_decision_of_others(named: str, own: bool) -> None:
    annotations = {NAMED: f"VirtualService istio-system/{named}"}
    metadata = {"name": "web.shop.global", "namespace": "istio-system", "labels": LABELS, "annotations": annotations}
    assert (rule("VirtualService", {"metadata": metadata, "spec": {"hosts": ["web"]}}) is None) == own
