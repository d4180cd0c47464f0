"""The messages of Pulumi's resource provider protocol, without the rest of the SDK.

`import pulumi.runtime.proto` imports the whole SDK first, which takes longer than all else that a plugin does to start.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi.runtime.proto import (
        engine_pb2,
        engine_pb2_grpc,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
        status_pb2,
    )
else:
    _sdk = find_spec("pulumi")
    _package = ModuleType("pulumi_protocol")
    _package.__path__ = [str(Path(_sdk.origin).parent / "runtime" / "proto")]
    sys.modules[_package.__name__] = _package

    engine_pb2 = import_module("pulumi_protocol.engine_pb2")
    engine_pb2_grpc = import_module("pulumi_protocol.engine_pb2_grpc")
    plugin_pb2 = import_module("pulumi_protocol.plugin_pb2")
    provider_pb2 = import_module("pulumi_protocol.provider_pb2")
    provider_pb2_grpc = import_module("pulumi_protocol.provider_pb2_grpc")
    status_pb2 = import_module("pulumi_protocol.status_pb2")

__all__ = [
    "engine_pb2",
    "engine_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "status_pb2",
]
