"""The exported services of a federation: what this stack configures, with what its peers add."""

from components import settings
from components.federation.exported_service import ExportedService
from components.federation.members import exported_services
from components.federation.peers import Export

STACK = settings.validate(
    {
        "meshes": {"east": {"cluster": {"kind": "local"}}},
        "services": [
            {"name": "echo", "namespace": "demo", "port": 80, "service_account": "echo", "peers": {"a": 9, "west": 9}}
        ],
        "peers": ["other"],
    }
)


def export(weight: int, account: str = "default", port: int = 80) -> Export:
    return Export(port=port, weight=weight, service_account=account)


def test_an_own_service_has_the_weights_and_the_accounts_of_its_peers() -> None:
    exports = {"west": {"echo.demo.global": export(3, "other")}, "a": {"echo.demo.global": export(0)}}
    [service] = exported_services(STACK, exports, ["a", "east", "west"])
    assert service.weights == {"a": 0, "east": 1, "west": 3}
    assert list(service.weights) == ["a", "east", "west"]
    assert [service.account_in(mesh) for mesh in service.weights] == ["default", "echo", "other"]
    assert service.callers == ["a", "east", "west"]


def test_a_service_that_only_peers_export_comes_last_and_names_no_callers() -> None:
    [_, service] = exported_services(STACK, {"west": {"web.shop.global": export(2, "web", 8080)}}, ["east"])
    assert service == ExportedService(
        name="web",
        namespace="shop",
        suffix="global",
        ports={8080: "http"},
        weights={"west": 2},
        callers=[],
        peer_accounts={"west": "web"},
        peer_ports={"west": {8080: "http"}},
    )
