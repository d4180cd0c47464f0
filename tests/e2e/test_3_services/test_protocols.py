"""Every protocol and shape of port, by both names, from both meshes: both answer."""

import pytest

from tests.e2e.shop import mixed
from tests.e2e.shop.echoes import INSIDE, REQUESTS, Echoes, ask, ask_until, by_both
from tests.e2e.shop.kubectl import Kubectl
from tests.e2e.shop.programs import CLIENT

URLS = [
    "http://multi.{}/",
    "http://multi.{}:8081/",
    "ws://multi.{}/",
    "grpc://checkout.{}:5050",
    "tcp://cart.{}:6379",
    "tcp://unnamed.{}:7000",
    "http://quic.{}/",
]
TRUST = ("--ca=/etc/tls/tls.crt", f"--server-name={mixed.TLS_NAME}")

# Asks by reflection, a stream in both directions, three times over two seconds; prints how many answers came.
STREAM = """
import time, grpc
def ask():
    for _ in range(3):
        yield bytes([0x3A, 0])  # list_services: ""
        time.sleep(1)
with grpc.insecure_channel("HOST") as channel:
    method = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
    print(sum(b"proto.EchoTestService" in answer for answer in method(ask(), timeout=20)))
"""


@pytest.mark.parametrize("name", ["shop", "shop.global"])
@pytest.mark.parametrize("url", URLS)
def test_a_listed_port_is_answered_by_both_meshes(kubectl: Kubectl, url: str, name: str) -> None:
    echoes = ask_until(by_both, lambda: ask(kubectl, url.format(name)))
    assert by_both(echoes), echoes.text or echoes.meshes


@pytest.mark.parametrize("protocol", mixed.PROTOCOLS)
def test_the_meshes_answer_by_their_weights(kubectl: Kubectl, protocol: str) -> None:
    echoes = ask_until(mixed.by_weight, lambda: mixed.ask(kubectl, protocol, "weighted.shop.global", requests=100))
    assert mixed.by_weight(echoes), echoes.text or echoes.meshes


@pytest.mark.parametrize("number", ["8080", "8081"])
def test_each_listed_port_is_answered_by_itself(kubectl: Kubectl, number: str) -> None:
    port = {"8080": 80, "8081": 8081}[number]
    assert ask(kubectl, f"http://multi.shop.global:{port}/").values("ServicePort") == [number] * REQUESTS


def test_a_port_that_is_not_listed_is_answered_by_itself_in_its_own_mesh(kubectl: Kubectl, mesh: str) -> None:
    echoes = ask(kubectl, "http://multi.shop:9090/")
    assert echoes.values("ServicePort") == ["9090"] * REQUESTS
    assert echoes.meshes == {mesh: REQUESTS}


@pytest.mark.parametrize("name", ["shop", "shop.global"])
def test_a_stream_of_grpc_is_answered_message_by_message(kubectl: Kubectl, name: str) -> None:
    said = kubectl.run(CLIENT, "python3", "-c", STREAM.replace("HOST", f"checkout.{name}:5050"))
    assert said.text.strip() == "3"


def test_tls_of_the_application_passes_unopened_by_the_global_name(kubectl: Kubectl) -> None:
    def request() -> Echoes:
        return ask(kubectl, "https://secure.shop.global/", *TRUST, caller=INSIDE)

    echoes = ask_until(by_both, request)
    assert by_both(echoes), "the client trusts the application's own certificate alone"


def test_tls_of_the_application_stays_in_its_own_mesh_by_the_short_name(kubectl: Kubectl, mesh: str) -> None:
    assert ask(kubectl, "https://secure.shop/", *TRUST, caller=INSIDE).meshes == {mesh: REQUESTS}


def test_a_headless_service_is_answered_by_both_meshes_by_the_global_name(kubectl: Kubectl) -> None:
    assert by_both(ask_until(by_both, lambda: ask(kubectl, "http://headless.shop.global:8080/")))


def test_a_headless_service_stays_in_its_own_mesh_by_the_short_name(kubectl: Kubectl, mesh: str) -> None:
    assert ask(kubectl, "http://headless.shop:8080/").meshes == {mesh: REQUESTS}


@pytest.mark.parametrize("pod", ["one", "two"])
def test_a_pod_of_a_headless_service_answers_by_its_own_name(kubectl: Kubectl, mesh: str, pod: str) -> None:
    echoes = ask(kubectl, f"http://{pod}.headless.shop:8080/")
    assert echoes.values("Hostname") == [pod] * REQUESTS
    assert echoes.meshes == {mesh: REQUESTS}


def test_the_application_sees_the_name_that_was_asked_for(kubectl: Kubectl) -> None:
    assert set(ask(kubectl, "http://multi.shop.global/").values("Host")) == {"multi.shop.global"}
    assert set(ask(kubectl, "http://multi.shop/").values("Host")) == {"multi.shop"}
