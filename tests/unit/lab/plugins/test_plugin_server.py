"""The gRPC side of both stand-ins, as real processes."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

import grpc
import pytest
from google.protobuf import empty_pb2
from interpreter import printed_by
from recording import CHECKOUT

from lab.plugins import peers
from lab.plugins.kubernetes.provider import Kubernetes
from lab.plugins.protocol import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2
from lab.plugins.server import PartialError, _details
from lab.plugins.values import decode, encode


class Engine(engine_pb2_grpc.EngineServicer):
    """The engine's side: it writes down what plugins log."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.server = grpc.server(ThreadPoolExecutor(2))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def Log(self, request: engine_pb2.LogRequest, context: object) -> empty_pb2.Empty:  # noqa: ARG002, N802 gRPC
        self.messages.append(request.message)
        return empty_pb2.Empty()


@contextmanager
def started(name: str, engine_port: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", f"lab.plugins.{name}", f"127.0.0.1:{engine_port}"],
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@dataclass
class Plugin:
    """A plugin process, and the engine that it was given."""

    name: str
    stub: provider_pb2_grpc.ResourceProviderStub
    engine: Engine
    port: int


@pytest.fixture(scope="module", params=["kubernetes", "tls"])
def plugin(request: pytest.FixtureRequest) -> Iterator[Plugin]:
    engine = Engine()
    with started(request.param, engine.port) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Plugin(request.param, provider_pb2_grpc.ResourceProviderStub(channel), engine, port)
    engine.server.stop(None)


def test_a_plugin_has_the_version_that_the_sdk_asks_for(plugin: Plugin) -> None:
    assert plugin.stub.GetPluginInfo(empty_pb2.Empty()).version == version(f"pulumi-{plugin.name}")


def test_a_plugin_takes_secrets_and_previews(plugin: Plugin) -> None:
    answer = plugin.stub.Configure(provider_pb2.ConfigureRequest())

    assert (answer.acceptSecrets, answer.supportsPreview) == (True, True)


def test_a_plugin_says_once_that_it_is_a_stand_in(plugin: Plugin) -> None:
    for _ in range(2):
        plugin.stub.Configure(provider_pb2.ConfigureRequest())

    assert [message.split(": ")[0] for message in plugin.engine.messages] == [plugin.name]


def test_what_a_plugin_lacks_is_unimplemented(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        plugin.stub.Construct(provider_pb2.ConstructRequest())

    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED  # type: ignore[attr-defined] a call, too


def test_an_error_has_the_message_that_the_user_reads(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        plugin.stub.Invoke(provider_pb2.InvokeRequest(tok="a:b:c"))

    assert raised.value.details().endswith("has no function a:b:c")  # type: ignore[attr-defined]


AS_NOBODY = """
import os, grpc
from lab.plugins.protocol import provider_pb2, provider_pb2_grpc
os.setgid(65534)
os.setuid(65534)
with grpc.insecure_channel(f"127.0.0.1:PORT") as channel:
    try:
        provider_pb2_grpc.ResourceProviderStub(channel).Configure(provider_pb2.ConfigureRequest())
    except grpc.RpcError as error:
        print(error.code().name)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_another_user_of_the_machine_is_refused(plugin: Plugin) -> None:
    assert plugin.stub.Configure(provider_pb2.ConfigureRequest()).acceptSecrets, "its own user is not"
    assert printed_by(AS_NOBODY.replace("PORT", str(plugin.port))) == "PERMISSION_DENIED\n"


def test_the_owner_of_a_connection_is_known_while_it_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            peer = f"ipv4:127.0.0.1:{client.getsockname()[1]}"
            assert peers.owner(peer, port) == os.geteuid()
            assert peers.owner(peer, port + 1) is None
        assert peers.owner(peer, port) is None
    assert peers.owner("unix:/a", port) is None


def test_a_partial_error_carries_the_state_of_what_exists() -> None:
    status = status_pb2.Status.FromString(_details(PartialError("not ready", "demo/echo", {"a": 1}, {"b": 2})))
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)

    assert (detail.id, list(detail.reasons)) == ("demo/echo", ["not ready"])
    assert (decode(detail.properties), decode(detail.inputs)) == ({"a": 1}, {"b": 2})


def test_a_handshake_names_the_engine_to_log_to() -> None:
    provider = Kubernetes()
    provider.handshake(provider_pb2.ProviderHandshakeRequest(engine_address="127.0.0.1:1"))

    assert provider.engine == "127.0.0.1:1"


def test_logging_to_an_engine_that_is_gone_is_fine() -> None:
    provider = Kubernetes()
    provider.engine = "127.0.0.1:1"

    provider.log("hello")


def test_a_plugin_starts_without_the_sdk() -> None:
    code = "import sys, lab.plugins.kubernetes.provider; sys.exit('pulumi' in sys.modules)"

    subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=True)


def test_properties_of_one_message_are_read_by_the_other_sides_classes() -> None:
    from pulumi.runtime.proto import provider_pb2 as sdk

    sent = provider_pb2.CheckResponse(inputs=encode({"a": [1, "b"]})).SerializeToString()
    assert decode(sdk.CheckResponse.FromString(sent).inputs) == {"a": [1, "b"]}


def test_a_plugin_ends_with_its_engine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as engine:
        port = engine.getsockname()[1]
    with started("tls", port) as process:
        assert process.wait(timeout=30) == 0
