"""What the user sees of an error in a dynamic provider: asked as Pulumi's engine asks, in a process as it starts it."""

import base64
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dill
import grpc
import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.dynamic.dynamic import PROVIDER_KEY
from pulumi.runtime.proto.provider_pb2 import CreateRequest
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from components.federation.service_objects import ServiceObjectsProvider

NO_CLUSTER: dict[str, Any] = {"mesh": "east", "objects": {}, "kubeconfig": "clusters: []"}


@pytest.fixture(scope="module")
def plugin() -> Iterator[ResourceProviderStub]:
    command = [sys.executable, "-m", "pulumi.dynamic", "127.0.0.1:1"]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
            yield ResourceProviderStub(channel)
        process.kill()


def said(plugin: ResourceProviderStub, inputs: dict[str, Any]) -> list[str]:
    properties = Struct()
    properties.update({PROVIDER_KEY: base64.b64encode(dill.dumps(ServiceObjectsProvider())).decode(), **inputs})
    with pytest.raises(grpc.RpcError) as caught:
        plugin.Create(CreateRequest(properties=properties), timeout=60)
    return str(caught.value.details()).splitlines()  # pyright: ignore[reportAttributeAccessIssue]


def test_an_error_of_this_project_is_its_message_alone(plugin: ResourceProviderStub) -> None:
    [line] = said(plugin, NO_CLUSTER)
    assert line.startswith("components.federation.service_objects.UnreachableError: mesh east: its cluster cannot be")


def test_a_fault_of_the_program_keeps_its_traceback_also_after_an_error_of_this_project(
    plugin: ResourceProviderStub,
) -> None:
    said(plugin, NO_CLUSTER)
    first, *_, last = said(plugin, {"mesh": "east"})
    assert (first, last) == ("Traceback (most recent call last):", "KeyError: 'objects'")
