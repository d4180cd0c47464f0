"""What a Service must be to be exported."""

from typing import Any

import pytest

from components.federation.exported_service import ExportedService
from components.federation.workload import UnusableServiceError, Workload, workload

WEB = ExportedService("web", "shop", "global", 80, weights={"east": 1}, callers=[])


def spec(*ports: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {"clusterIP": "10.0.0.1", "selector": {"app": "web"}, "ports": list(ports), **given}


@pytest.mark.parametrize(
    ("target", "port"),
    [(8080, 8080), (8080.0, 8080), (None, 80), ("http", None)],
)
def test_a_service_forwards_to_its_pods_and_their_port(target: Any, port: int | None) -> None:
    assert workload(spec({"port": 80, "targetPort": target}), WEB, "east") == Workload("10.0.0.1", {"app": "web"}, port)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (spec({"port": 80}, clusterIP="None"), "Service shop/web in mesh east has no cluster IP"),
        (spec({"port": 80}, selector=None), "Service shop/web in mesh east has no selector"),
        (spec({"port": 8080}, {"port": 9090}), "Service shop/web in mesh east has no port 80; it has: 8080, 9090"),
        (spec(), "it has: none"),
    ],
)
def test_a_service_that_cannot_be_reached_as_configured_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UnusableServiceError, match=message):
        workload(given, WEB, "east")
