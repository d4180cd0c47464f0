"""What the program alone takes, without an engine or a cluster: python -m bench.program [--meshes N] [--services N].

Prints its CPU time and its memory. Pulumi's mocks answer at once; every mesh exports every service.
"""

import asyncio
import json
import resource
import runpy
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pulumi
import typer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

PROGRAM = Path(__file__).parent.parent / "__main__.py"
_NAMESPACE = "shop"


class Providers(mocks.MockMonitor):
    """Answers in place of all providers: a resource's outputs are its inputs, and what the program reads besides."""

    def __init__(self) -> None:
        super().__init__(_NoMocks())
        self._key, self._request, self._certificate = _root()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer as an engine, but leave the inputs as they came: they are not what is measured."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if not request.custom:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        outputs = Struct()
        outputs.CopyFrom(request.object)
        outputs.update(self._made(request.type.rpartition(":")[2], request.name))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"{request.name}-id", object=outputs)

    def _made(self, kind: str, name: str) -> dict[str, Any]:
        return {
            "LabCluster": {"address": f"{name}.example", "kubeconfig": f"a kubeconfig of {name}"},
            "PrivateKey": {
                "privateKeyPem": self._key,
                "privateKeyPemPkcs8": self._key,
                "publicKeyPem": f"a public key of {name}",
            },
            "CertRequest": {"certRequestPem": self._request},
            "SelfSignedCert": {"certPem": self._certificate, "validityEndTime": "2036-01-01T00:00:00Z"},
            "IntermediateCertificate": {
                "certificate_pem": self._certificate,
                "validity_end_time": "2036-01-01T00:00:00Z",
            },
        }.get(kind, {})


class _NoMocks(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        raise NotImplementedError

    def call(self, args: mocks.MockCallArgs) -> Any:  # noqa: ARG002 - the name is the SDK's
        """Answer what the program asks of the engine: the outputs of its last update, of which there was none."""
        return {"outputs": {}}, []


def _root() -> tuple[str, str, str]:
    """Return the key, the request and the certificate, PEM, of every CA."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=3650))
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    request = x509.CertificateSigningRequestBuilder(name).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    return text, request.decode(), builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def settings(meshes: int, services: int) -> dict[str, Any]:
    """Return the configuration of a stack with so many meshes, which all export so many services."""
    return {
        "meshes": {f"mesh-{number:02}": {"cluster": {"kind": "local"}} for number in range(meshes)},
        "services": [
            {"name": f"service-{number:03}", "namespace": _NAMESPACE, "port": 80} for number in range(services)
        ],
    }


def services_of(services: int) -> list[dict[str, Any]]:
    """Return the Services that every cluster has, as an API server lists them."""
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return [
        {
            "metadata": {"namespace": _NAMESPACE, "name": name},
            "spec": {"clusterIP": "10.0.0.1", "selector": {"app": name}, "ports": ports},
        }
        for name in (f"service-{number:03}" for number in range(services))
    ]


def run(meshes: int, services: int) -> None:
    """Run the program once, as the first `pulumi up` of a stack."""
    found = services_of(services)

    def answer(_api: None, path: str, _accept: str = "") -> dict[str, Any] | None:
        return {"items": found} if path.endswith("/services") else None

    configuration = settings(meshes, services)
    pulumi.runtime.set_all_config({f"multimesh:{key}": json.dumps(value) for key, value in configuration.items()})
    configure(
        mocks.MockSettings(
            monitor=Providers(),
            monitor_features=set[int](),
            engine=mocks.MockEngine(None),
            project="multimesh",
            stack="bench",
            organization="organization",
            dry_run=False,
            callbacks=None,
        )
    )
    room = "components.federation.inventory"
    with patch(f"{room}.connected", lambda _kubeconfig: nullcontext()), patch(f"{room}.answer", answer):
        asyncio.run(run_in_stack(_program))


def _program() -> None:
    runpy.run_path(str(PROGRAM), run_name="__main__")


def main(meshes: int = 50, services: int = 200) -> None:
    """Run the program and print what it took."""
    start = time.process_time()
    run(meshes, services)
    seconds, kibibytes = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    typer.echo(f"{meshes} meshes, {services} services: {seconds:.1f} s of CPU time, {kibibytes / 1024:.0f} MiB")


if __name__ == "__main__":
    typer.run(main)
