"""Node ports of the gateway that another Service of an existing cluster has."""

from typing import Any

import pytest

from components.clusters.existing.node_ports import taken
from components.clusters.existing.settings import GatewaySettings


def service(namespace: str, name: str, *node_ports: int | None) -> dict[str, Any]:
    ports = [{"port": 80, **({"nodePort": port} if port else {})} for port in node_ports]
    return {"metadata": {"namespace": namespace, "name": name}, "spec": {"ports": ports} if ports else {}}


def said(gateway: dict[str, Any], *services: dict[str, Any]) -> list[str]:
    objects = {"/api/v1/services": list(services)}
    return list(taken(GatewaySettings.model_validate(gateway), lambda path: objects[path]))


NODE_PORTS = {"service": "NodePort", "address": "192.0.2.1"}


@pytest.mark.parametrize(
    ("gateway", "port", "key"),
    [
        ({}, 31443, "node_port"),
        ({}, 30080, "ingress_node_port"),
        ({"port": 32443}, 32443, "node_port"),
        ({"port": 15443, "node_port": 31500}, 31500, "node_port"),
        ({"https_node_port": 30444}, 30444, "https_node_port"),
    ],
)
def test_a_node_port_of_somebodys_service_is_named(gateway: dict[str, Any], port: int, key: str) -> None:
    line = f"the Service shop/web has node port {port} already: set gateway.{key} to one that is free"
    assert said(NODE_PORTS | gateway, service("shop", "web", None, port)) == [line]


def test_a_port_that_the_gateway_does_not_use_is_free_to_be_somebodys() -> None:
    assert said(NODE_PORTS | {"node_port": 31500}, service("shop", "web", 31443, 30443, 30999)) == []


def test_the_gateways_own_service_is_no_hindrance() -> None:
    assert said(NODE_PORTS, service("istio-system", "istio-ingressgateway", 31443, 30080)) == []
    assert said(NODE_PORTS, service("mesh-config", "multimesh-gateway", 31443, 30080)) == []


def test_services_without_ports_are_no_hindrance() -> None:
    assert said(NODE_PORTS, service("shop", "elsewhere")) == []


def test_the_services_of_a_cluster_with_a_load_balancer_are_not_asked() -> None:
    assert list(taken(GatewaySettings.model_validate({}), lambda path: pytest.fail(path))) == []
