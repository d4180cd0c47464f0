"""What a Service must be to be exported."""

from typing import Any

import pytest
from pulumi_kubernetes.core.v1.outputs import ServiceSpec

from components.federation import UnusableService, Workload, workload
from components.settings.service import ServiceSettings

WEB = ServiceSettings.model_validate({"name": "web", "namespace": "shop", "port": 80}, context={"meshes": ["east"]})


def spec(*ports: dict[str, Any], **given: Any) -> ServiceSpec:
    return ServiceSpec(**{"cluster_ip": "10.0.0.1", "selector": {"app": "web"}, "ports": list(ports), **given})


class Port(dict):
    """A Service's port as the SDK gives it: attributes."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


@pytest.mark.parametrize(
    ("target", "port"),
    [(8080, 8080), (8080.0, 8080), (None, 80), ("http", None)],
)
def test_a_service_leads_to_its_pods_and_their_port(target: Any, port: int | None) -> None:
    ports = Port(port=80, target_port=target)
    assert workload(spec(ports), WEB, "east") == Workload("10.0.0.1", {"app": "web"}, port)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (spec(Port(port=80), cluster_ip="None"), "Service shop/web in mesh east has no cluster IP"),
        (spec(Port(port=80), selector=None), "Service shop/web in mesh east has no selector"),
        (spec(Port(port=8080), Port(port=9090)), "Service shop/web in mesh east has no port 80; it has: 8080, 9090"),
        (spec(), "it has: none"),
    ],
)
def test_a_service_that_cannot_be_reached_as_configured_is_refused(given: ServiceSpec, message: str) -> None:
    with pytest.raises(UnusableService, match=message):
        workload(given, WEB, "east")
