"""What keeps callers from a Service, and how it is said."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from clusters import HTTP, WEB, cluster, endpoint_slice, spec
from planned import in_one_mesh

from components.federation import hindrances
from components.federation.inventory import Inventory
from components.federation.pods import Pod
from components.federation.policies import Policy
from components.federation.workload import NotExportedError, workload
from components.mesh.roles import Role

OWN = Role("east", "east.mesh")
EXCLUDE = "traffic.sidecar.istio.io/excludeInboundPorts"
LOCKED = Policy("AuthorizationPolicy", "shop", "locked", {"selector": {"matchLabels": {"app": "web"}}})
PLAIN = Policy("PeerAuthentication", "shop", "plain", {"mtls": {"mode": "DISABLE"}})


def shop(*policies: Policy, visible: str | None = None, annotations: Mapping[str, str] | None = None) -> Inventory:
    pod = Pod(labels={"app": "web", "version": "v1"}, annotations=annotations or {})
    found = cluster(spec(HTTP), endpoint_slice("web-1", http=8080), pods={"web-1": pod})
    shown = {("shop", "web"): visible} if visible is not None else {}
    return replace(found, policies=policies, visible=shown)


def kept_away(inventory: Inventory, role: Role = OWN, **given: Any) -> str:
    with pytest.raises(NotExportedError) as caught:
        workload(replace(WEB, **given), inventory, role)
    assert caught.value.workload
    return str(caught.value)


@pytest.mark.parametrize("said", [".", "~", "shop,billing"])
def test_a_service_that_is_hidden_from_the_gateway_is_not_exported(said: str) -> None:
    assert f"exportTo is {said!r}" in kept_away(shop(visible=said))


@pytest.mark.parametrize("said", ["*", "istio-system", "., istio-system", ""])
def test_a_service_that_the_gateway_sees_is_exported(said: str) -> None:
    assert workload(WEB, shop(visible=said), OWN)


def test_on_one_flat_network_no_gateway_needs_to_see_a_service() -> None:
    assert workload(WEB, shop(visible="."), in_one_mesh())


def test_an_ingress_needs_to_see_a_service_on_every_network() -> None:
    assert "exportTo" in kept_away(shop(visible="."), in_one_mesh(), ingress_hosts=["web.example"])


@pytest.mark.parametrize("role", [OWN, in_one_mesh(), in_one_mesh(network="east")])
def test_a_port_around_the_sidecar_is_not_exported(role: Role) -> None:
    assert kept_away(shop(annotations={EXCLUDE: "8080"}), role) == (
        f"requests to port 8080 of pod web-1 do not pass its sidecar, by its annotation {EXCLUDE}: "
        "take the port out of it, restart the pods"
    )


def test_another_port_around_the_sidecar_does_not_matter() -> None:
    assert workload(WEB, shop(annotations={EXCLUDE: "9090"}), OWN)


def test_a_service_without_mutual_tls_is_not_exported() -> None:
    said = "PeerAuthentication shop/plain turns mutual TLS off at port 8080 of its pods: set STRICT or PERMISSIVE there"
    assert kept_away(shop(PLAIN)) == said


def test_without_a_pod_what_the_service_selects_is_judged() -> None:
    none = replace(cluster(spec(HTTP)), policies=[replace(PLAIN, spec={**PLAIN.spec, **LOCKED.spec})])
    assert "shop/plain" in kept_away(none)


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_a_namespace_that_refuses_the_init_container_of_sidecars_is_named(level: str) -> None:
    said = hindrances.refused("east", Inventory(levels={"shop": level}), [WEB])
    assert said == [
        f"mesh east: namespace shop enforces the Pod Security level {level}, which refuses the init container of "
        "sidecars, so no new pod of web.shop starts: set istio.cni: true of the mesh, or another level"
    ]


@pytest.mark.parametrize(
    ("mesh", "levels"), [("east", {"shop": "privileged"}), ("east", {}), ("n", {"shop": "baseline"})]
)
def test_no_other_namespace_is_named(mesh: str, levels: dict[str, str]) -> None:
    assert hindrances.refused(mesh, Inventory(levels=levels), [WEB]) == []


@pytest.mark.parametrize(("namespace", "said"), [("shop", 1), ("istio-system", 1), ("billing", 1), ("other", 0)])
def test_a_sidecar_is_named_where_pods_are_known_to_call(namespace: str, said: int) -> None:
    hiding = Policy("Sidecar", namespace, "default", {"egress": [{"hosts": ["shop/*"]}]})
    called = replace(WEB, callers=["east/ns/billing/sa/web", "west/ns/other"])
    assert len(hindrances.notes("east", Inventory(policies=[hiding]), [called])) == said
