"""Requests to the Kubernetes stand-in, as the engine sends them, about one object: echo in the namespace demo."""

from typing import Any

from lab.plugins.kubernetes.provider import Kubernetes
from lab.plugins.protocol import provider_pb2
from lab.plugins.values import Properties, Secret, decode, encode

SERVICE = "/api/v1/namespaces/demo/services/echo"
SECRET = "/api/v1/namespaces/demo/secrets/echo"


def configured(**settings: Any) -> Kubernetes:
    provider = Kubernetes()
    provider.configure(provider_pb2.ConfigureRequest(args=encode(settings)))
    return provider


def urn(type: str = "core/v1:Service") -> str:
    return f"urn:pulumi:local::multimesh::kubernetes:{type}::echo"


def shown(value: Any) -> Any:
    """The value as a state file would show it: secrets hidden."""
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    return "[secret]" if isinstance(value, Secret) else value


def service(**spec: Any) -> Properties:
    metadata = {"name": "echo", "namespace": "demo"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def secret(**data: Any) -> Properties:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "echo", "namespace": "demo"}, **data}


def create(provider: Kubernetes, inputs: Properties, type: str = "core/v1:Service", **options: Any) -> Properties:
    request = provider_pb2.CreateRequest(urn=urn(type), properties=encode(inputs), **options)
    return decode(provider.create(request).properties)


def update(provider: Kubernetes, state: Properties, inputs: Properties, type: str = "core/v1:Service") -> Properties:
    request = provider_pb2.UpdateRequest(id="demo/echo", urn=urn(type), olds=encode(state), news=encode(inputs))
    return decode(provider.update(request).properties)


def read_request(state: Properties, inputs: Properties, type: str = "core/v1:Service") -> provider_pb2.ReadRequest:
    return provider_pb2.ReadRequest(id="demo/echo", urn=urn(type), properties=encode(state), inputs=encode(inputs))


def read(provider: Kubernetes, state: Properties, inputs: Properties, type: str = "core/v1:Service") -> Properties:
    return decode(provider.read(read_request(state, inputs, type)).inputs)


def diff(provider: Kubernetes, state: Properties, new: Properties, type: str) -> provider_pb2.DiffResponse:
    return provider.diff(provider_pb2.DiffRequest(urn=urn(type), olds=encode(state), news=encode(new)))


def check(provider: Kubernetes, news: Properties, type: str, olds: Properties | None = None) -> Properties:
    request = provider_pb2.CheckRequest(urn=urn(type), randomSeed=b"seed", news=encode(news), olds=encode(olds or {}))
    return decode(provider.check(request).inputs)


def delete(provider: Kubernetes, state: Properties, **options: Any) -> None:
    provider.delete(provider_pb2.DeleteRequest(id="demo/echo", urn=urn(), properties=encode(state), **options))
