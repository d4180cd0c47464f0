"""The gRPC side of both stand-ins, as real processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2

from lab.plugins.kubernetes.provider import Kubernetes
from lab.plugins.protocol import provider_pb2, provider_pb2_grpc, status_pb2
from lab.plugins.server import PartialError, _details
from lab.plugins.values import decode, encode

CHECKOUT = Path(__file__).parents[2]


@contextmanager
def plugin(name: str) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    process = subprocess.Popen(
        [sys.executable, "-m", f"lab.plugins.{name}", "127.0.0.1:1"],
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )
    try:
        assert process.stdout
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield provider_pb2_grpc.ResourceProviderStub(channel)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module", params=["kubernetes", "tls"])
def running(request: pytest.FixtureRequest) -> Iterator[tuple[str, provider_pb2_grpc.ResourceProviderStub]]:
    with plugin(request.param) as stub:
        yield request.param, stub


def test_a_plugin_has_the_version_that_the_sdk_asks_for(
    running: tuple[str, provider_pb2_grpc.ResourceProviderStub],
) -> None:
    name, stub = running

    assert stub.GetPluginInfo(empty_pb2.Empty()).version == version(f"pulumi-{name}")


def test_a_plugin_takes_secrets_and_previews(running: tuple[str, provider_pb2_grpc.ResourceProviderStub]) -> None:
    answer = running[1].Configure(provider_pb2.ConfigureRequest())

    assert (answer.acceptSecrets, answer.supportsPreview) == (True, True)


def test_what_a_plugin_lacks_is_unimplemented(running: tuple[str, provider_pb2_grpc.ResourceProviderStub]) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        running[1].Construct(provider_pb2.ConstructRequest())

    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED  # type: ignore[attr-defined] a call, too


def test_an_error_has_the_message_that_the_user_reads(
    running: tuple[str, provider_pb2_grpc.ResourceProviderStub],
) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        running[1].Invoke(provider_pb2.InvokeRequest(tok="a:b:c"))

    assert raised.value.details().endswith("has no function a:b:c")  # type: ignore[attr-defined]


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
    command = ["sh", "-c", f"{sys.executable} -m lab.plugins.tls 127.0.0.1:1 & wait"]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE) as engine:
        assert engine.stdout
        engine.stdout.readline()
        engine.kill()

        assert engine.stdout.read() == b""  # which comes when the last process that holds it has ended
