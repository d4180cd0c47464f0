"""Which services are asked, and who should answer."""

from typing import Any

import pytest

from multimesh.contract import Probe, VerifyOutputs
from multimesh.stack import OutputsError
from multimesh.verify.selection import Port, Selection, select

SAMPLE = "echo.demo.global"
ECHO = Probe(ports={80: "http"}, prefer="weights")
ORDERS = Probe(ports={9090: "grpc", 80: "http"}, prefer="local")
WEIGHTS = {"east": 50, "west": 50}


def outputs(**changed: Any) -> VerifyOutputs:
    given: dict[str, Any] = {
        "meshes": {},
        "root_ca": "",
        "root_ca_fingerprint": "",
        "kubeconfigs": {},
        "services": {SAMPLE: WEIGHTS, "orders.shop.global": WEIGHTS, "db.shop.global": WEIGHTS},
        "probes": {SAMPLE: ECHO, "orders.shop.global": ORDERS},
    }
    return VerifyOutputs.model_validate(given | changed)


def selected(*names: str, **changed: Any) -> Selection:
    return select(outputs(**changed), SAMPLE, names)


def addresses(selection: Selection) -> list[str]:
    return [port.address for port in selection.ports]


def test_every_port_of_every_service_is_asked() -> None:
    assert addresses(selected()) == ["orders.shop.global:80", "orders.shop.global:9090"]


def test_the_sample_is_asked_by_its_answers() -> None:
    assert selected().sample


def test_another_port_of_the_sample_is_asked_as_any_port() -> None:
    probes = {SAMPLE: Probe(ports={80: "http", 9090: "http"}, prefer="weights")}
    assert addresses(selected(probes=probes)) == ["echo.demo.global:9090"]


def test_a_service_that_is_not_to_be_probed_is_listed() -> None:
    assert selected().not_asked == {"db.shop.global": "probe: none"}


def test_a_service_that_no_mesh_exports_is_listed() -> None:
    services = {SAMPLE: WEIGHTS, "orders.shop.global": {"east": 0}}
    assert selected(services=services).not_asked == {"orders.shop.global": "no mesh exports it with a weight above 0"}


def test_a_stack_of_an_older_version_says_what_writes_the_ports() -> None:
    assert set(selected(probes={}).not_asked.values()) == {"its ports are not in the outputs (`pulumi up` writes them)"}


@pytest.mark.parametrize("name", ["orders.shop.global", "orders.shop"])
def test_a_service_is_chosen_by_either_name(name: str) -> None:
    assert addresses(selected(name)) == ["orders.shop.global:80", "orders.shop.global:9090"]


def test_the_sample_is_not_asked_if_others_are_chosen() -> None:
    assert not selected("orders.shop").sample


def test_a_service_that_is_chosen_twice_is_asked_once() -> None:
    assert len(selected("orders.shop", "orders.shop.global").ports) == 2


@pytest.mark.parametrize("name", ["orders", "shop", "orders.sho", "order.shop.global"])
def test_an_unknown_name_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(
        OutputsError, match=f"no service {name}: the stack has db.shop.global, echo.demo.global, orders"
    ):
        selected(name)


def test_a_service_that_is_not_to_be_probed_cannot_be_chosen() -> None:
    with pytest.raises(OutputsError, match=r"db\.shop\.global cannot be asked: probe: none"):
        selected("db.shop")


@pytest.mark.parametrize(
    ("prefer", "weights", "shares"),
    [
        ("weights", {"east": 30, "west": 10}, {"east": 0.75, "west": 0.25}),
        ("local", {"east": 30, "west": 10}, {"east": 0, "west": 1}),
        ("local", {"east": 30, "west": 0, "south": 10}, {"east": 0.75, "west": 0, "south": 0.25}),
        ("local", {"east": 1}, {"east": 1}),
        (["west", "east"], {"east": 30, "west": 10}, {"east": 0, "west": 1}),
        (["west", "east"], {"east": 30, "west": 0}, {"east": 1, "west": 0}),
        (["west", "south"], {"south": 0, "east": 30}, {"south": 0, "east": 1}),
    ],
)
def test_the_meshes_that_should_answer_west(prefer: Any, weights: dict[str, int], shares: dict[str, float]) -> None:
    assert Port("orders.shop.global", 80, "http", weights, prefer).shares("west") == shares
