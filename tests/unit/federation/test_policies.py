"""Which objects of others decide whom sidecars admit, by which TLS, and which names they see."""

from typing import Any

import pytest

from components.federation.cluster_objects import LABELS, NAMED
from components.federation.policies import Policy, policy, without_mutual_tls

WEB = {"app": "web"}
OF_WEB = {"selector": {"matchLabels": WEB}}
OFF, ON, SOME, UNSET = ({"mtls": {"mode": mode}} for mode in ("DISABLE", "STRICT", "PERMISSIVE", "UNSET"))
AT_PORT = {"portLevelMtls": {"8080": {"mode": "DISABLE"}}}


def read(kind: str, name: str = "mine", namespace: str = "shop", **given: Any) -> Policy | None:
    labels, annotations, spec = given.get("labels"), given.get("annotations"), given.get("spec", {})
    metadata = {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations}
    return policy(kind, {"metadata": metadata, "spec": spec})


def peers(spec: dict[str, Any], namespace: str = "shop", name: str = "tls", created: str = "") -> Policy:
    return Policy("PeerAuthentication", namespace, name, spec, created)


def off(*given: Policy, port: int = 8080) -> str | None:
    return without_mutual_tls(given, "shop", WEB, port)


def allow(*rules: Any, **spec: Any) -> Policy:
    return Policy("AuthorizationPolicy", "shop", "mine", {"rules": list(rules), **spec})


def sidecar(*hosts: str, namespace: str = "shop") -> Policy:
    return Policy("Sidecar", namespace, "default", {"egress": [{"hosts": list(hosts)}]})


@pytest.mark.parametrize(
    "given",
    [
        (peers(OFF),),
        (peers(OFF | OF_WEB),),
        (peers(AT_PORT | OF_WEB),),
        (peers(AT_PORT | ON | OF_WEB),),
        (peers(OFF, "istio-system"),),
        (peers(OFF), peers(ON, "istio-system")),
        (peers(UNSET | OF_WEB, name="a"), peers(OFF)),
        (peers(ON, name="a", created="2026-02-01T00:00:00Z"), peers(OFF, name="b", created="2026-01-01T00:00:00Z")),
    ],
)
def test_mutual_tls_is_off_where_the_closest_and_oldest_says_so(given: tuple[Policy, ...]) -> None:
    assert off(*given)


@pytest.mark.parametrize(
    "given",
    [
        (),
        (peers(ON),),
        (peers(SOME),),
        (peers({}),),
        (peers(OFF, "billing"),),
        (peers(OFF | {"selector": {"matchLabels": {"app": "api"}}}),),
        (peers(OFF), peers(ON | OF_WEB)),
        (peers(OFF, "istio-system"), peers(SOME)),
        (peers(OFF | {"portLevelMtls": {"8080": {"mode": "STRICT"}}} | OF_WEB),),
        (peers({"portLevelMtls": {"9090": {"mode": "DISABLE"}}} | OF_WEB),),
        (peers(AT_PORT),),
    ],
)
def test_mutual_tls_stays_on(given: tuple[Policy, ...]) -> None:
    assert off(*given) is None


@pytest.mark.parametrize(
    ("given", "allows"),
    [
        (allow(), True),
        (allow({"to": [{"operation": {"paths": ["/public"]}}]}, action="ALLOW"), True),
        (allow({"from": []}, action="DENY"), False),
        (allow({"from": []}, action="CUSTOM"), False),
        (allow(action="AUDIT"), False),
        (peers(ON), False),
    ],
)
def test_only_an_allow_closes_its_pods_to_all_others(given: Policy, allows: bool) -> None:
    assert given.allows == allows


def test_the_policy_of_a_former_version_that_annuls_others_is_known_but_is_no_restriction() -> None:
    rules = [{"from": [{"source": {"principals": ["east.mesh/*"]}}]}]
    found = read("AuthorizationPolicy", "own-identities", "istio-system", spec={"rules": rules})
    assert found
    assert found.is_former
    assert not found.allows


@pytest.mark.parametrize(
    ("name", "namespace", "kept"),
    [
        ("mine", "shop", True),
        ("callers", "shop", True),
        ("web.shop-callers", "shop", False),
        ("web.shop-others-east", "shop", False),
        ("own-identities", "istio-system", False),
        ("world-to-ingress", "istio-system", False),
        ("gateway-ports", "istio-system", False),
        ("own-identities", "shop", True),
    ],
)
def test_policies_of_a_former_update_are_known_by_name(name: str, namespace: str, kept: bool) -> None:
    assert (read("AuthorizationPolicy", name, namespace) is not None) == kept


def test_a_policy_of_the_program_itself_does_not_count() -> None:
    annotations = {NAMED: "AuthorizationPolicy shop/mine"}
    assert read("AuthorizationPolicy", labels=LABELS, annotations=annotations) is None


def test_a_policy_of_a_gateway_or_waypoint_does_not_count() -> None:
    assert read("AuthorizationPolicy", spec={"targetRefs": [{"kind": "Service", "name": "web"}]}) is None


@pytest.mark.parametrize(
    "hosts",
    [("./*",), ("./*", "shop/*"), ("istio-system/*.local",), ("~/*",), ("istio-system/api.shop.global",)],
)
def test_a_sidecar_hides_what_it_does_not_list(hosts: tuple[str, ...]) -> None:
    assert sidecar(*hosts).hides("web.shop.global")


@pytest.mark.parametrize(
    "hosts",
    [
        ("*/*",),
        ("./*", "istio-system/*"),
        ("istio-system/web.shop.global",),
        ("istio-system/*.global",),
        ("*/*.shop.global",),
    ],
)
def test_a_sidecar_that_lists_istio_system_hides_nothing(hosts: tuple[str, ...]) -> None:
    assert not sidecar(*hosts).hides("web.shop.global")


def test_a_sidecar_of_istio_system_sees_its_own_namespace() -> None:
    assert not sidecar("./*", namespace="istio-system").hides("web.shop.global")


def test_a_sidecar_without_egress_hides_nothing() -> None:
    assert not Policy("Sidecar", "shop", "default").hides("web.shop.global")
