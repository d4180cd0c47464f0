"""What both plugins share: the gRPC server that the engine talks to, its errors, and the way to the engine's log."""

import os
import re
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any, Protocol

import grpc
from google.protobuf import empty_pb2

from lab.plugins import peers
from lab.plugins.protocol import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)
from lab.plugins.values import Properties, encode

_MESSAGE_BYTES = 400 * 1024 * 1024  # as the engine allows
_ENGINE_SECONDS = 2  # between two looks whether the engine still lives
_END_SECONDS = 30  # for operations to finish after it ended
_OPERATIONS_AT_ONCE = 256  # waiting for readiness occupies one each


class PluginError(Exception):
    """A request that cannot be fulfilled; the message is what the user reads."""


class PartialError(PluginError):
    """An object that exists but is not ready; the engine keeps its state and tries again at the next update."""

    def __init__(self, message: str, id: str, properties: Properties, inputs: Properties | None = None) -> None:
        super().__init__(message)
        self.id = id
        self.properties = properties
        self.inputs = inputs


class Log(Protocol):
    """Says something to the user; `status` replaces the last such line of that resource instead of adding one."""

    def __call__(self, message: str, urn: str = "", *, warning: bool = False, status: bool = False) -> None: ...


class Provider:
    """The requests that every plugin answers alike; subclasses add check, diff, create, read, update and delete.

    A method takes the request message of the protocol and returns its response message.
    """

    package: str

    def __init__(self) -> None:
        self.engine = ""
        self.cancelled = threading.Event()
        self._stub: engine_pb2_grpc.EngineStub | None = None
        self._lock = threading.Lock()

    def log(self, message: str, urn: str = "", *, warning: bool = False, status: bool = False) -> None:
        """Say something to the user through the engine; without an engine, or one that is gone, say nothing."""
        severity = engine_pb2.WARNING if warning else engine_pb2.INFO
        try:
            with self._lock:
                if self._stub is None and self.engine:
                    self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(self.engine))
            if self._stub:
                self._stub.Log(
                    engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=status), timeout=5
                )
        except grpc.RpcError:
            pass

    def handshake(self, request: provider_pb2.ProviderHandshakeRequest) -> provider_pb2.ProviderHandshakeResponse:
        self.engine = request.engine_address
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    def attach(self, request: plugin_pb2.PluginAttach) -> empty_pb2.Empty:
        self.engine = request.address
        return empty_pb2.Empty()

    def get_plugin_info(self, _: empty_pb2.Empty) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=version(f"pulumi-{self.package}"))

    def check_config(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def diff_config(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:  # noqa: ARG002 a default
        return provider_pb2.DiffResponse()

    def configure(self, request: provider_pb2.ConfigureRequest) -> provider_pb2.ConfigureResponse:  # noqa: ARG002
        if self._first_to_speak():
            self.log(f"{self.package}: answered by multimesh's stand-in plugin, as the official one is not installed")
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    def get_mapping(self, _: provider_pb2.GetMappingRequest) -> provider_pb2.GetMappingResponse:
        return provider_pb2.GetMappingResponse()

    def get_mappings(self, _: provider_pb2.GetMappingsRequest) -> provider_pb2.GetMappingsResponse:
        return provider_pb2.GetMappingsResponse()

    def invoke(self, request: provider_pb2.InvokeRequest) -> provider_pb2.InvokeResponse:
        raise PluginError(f"the stand-in plugin for {self.package} has no function {request.tok}")

    def cancel(self, _: empty_pb2.Empty) -> empty_pb2.Empty:
        self.cancelled.set()
        return empty_pb2.Empty()

    def _first_to_speak(self) -> bool:
        """Of the processes of one run, the first to take this name, which ends with the process, speaks for all."""
        name = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            name.bind(f"\0multimesh-{self.package}-{self.engine}")
        except OSError:
            name.close()
            return False
        name.detach()
        return True


class _Servicer:
    """The protocol's servicer: gives each request to the provider's method, and turns its errors into gRPC statuses.

    It answers this process's own user alone: every local user can connect, and a kubeconfig may name a program to run.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.port = 0

    def __getattr__(self, rpc: str) -> Callable[[Any, grpc.ServicerContext], Any]:
        method = getattr(self._provider, re.sub(r"(?<=.)([A-Z])", r"_\1", rpc).lower(), None)

        def answer(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: RET503 abort raises
            if peers.owner(context.peer(), self.port) != os.geteuid():
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "the stand-in plugin answers its own user alone")
            if method is None:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{rpc} is not implemented by the stand-in plugin")
            try:
                return method(request)
            except PluginError as error:
                failure: Exception = error
            except Exception as error:
                traceback.print_exc()
                failure = error
            if isinstance(failure, PartialError):
                context.set_trailing_metadata((("grpc-status-details-bin", _details(failure)),))
            message = str(failure) if isinstance(failure, PluginError) else repr(failure)
            context.abort(grpc.StatusCode.UNKNOWN, message)

        return answer


def _details(error: PartialError) -> bytes:
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.id, properties=encode(error.properties), reasons=[str(error)]
    )
    if error.inputs is not None:
        detail.inputs.CopyFrom(encode(error.inputs))
    status.details.add().Pack(detail)
    return status.SerializeToString()


def awaited(number: signal.Signals) -> Callable[[float], bool]:
    """Return a function that waits so many seconds for a signal, and says whether it has come.

    The signal's handler writes to a pipe: it interrupts the thread that waits, and if it set an Event of that thread's,
    both could wait for the Event's lock for ever.
    """
    reads, writes = os.pipe()
    signal.signal(number, lambda *_: os.write(writes, b"\n"))
    return lambda seconds: bool(select.select([reads], [], [], seconds)[0])


def serve(provider: Provider) -> None:
    """Serve the provider until the engine ends, on a free loopback port that it learns from the standard output."""
    provider.engine = sys.argv[1] if len(sys.argv) > 1 else ""
    options = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
    server = grpc.server(ThreadPoolExecutor(_OPERATIONS_AT_ONCE), options=options)
    servicer = _Servicer(provider)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)  # type: ignore[arg-type]
    # The engine's word for "no longer needed"; a user's interrupt comes as Cancel, for plugins are process groups of
    # their own. Without an answer the engine waits 5 s for each plugin.
    dismissed = awaited(signal.SIGINT)
    servicer.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(servicer.port, flush=True)
    while not dismissed(_ENGINE_SECONDS):
        if provider.engine and not _answers(provider.engine):
            provider.cancelled.set()
            break
    server.stop(_END_SECONDS).wait()


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_ENGINE_SECONDS).close()
    except OSError:
        return False
    return True
