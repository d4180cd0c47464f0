"""Services to export: in a cluster, with a cluster IP and without workloads, and in a stack's configuration."""

from collections.abc import Callable
from typing import Any

from kubernetes import client

NAMESPACE = "growth"
_PORT = 80


def make_services(api: client.CoreV1Api, count: int) -> None:
    """Make `count` Services in a cluster, in a namespace of their own."""
    api.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
    for number in range(count):
        ports = [client.V1ServicePort(name="http", port=_PORT)]
        spec = client.V1ServiceSpec(selector={"app": _name(number)}, ports=ports)
        api.create_namespaced_service(
            NAMESPACE, client.V1Service(metadata=client.V1ObjectMeta(name=_name(number)), spec=spec)
        )


def exported(count: int) -> Callable[[dict[str, Any]], None]:
    """Return the change of a stack's configuration by which it exports the sample and the first `count` Services."""

    def change(config: dict[str, Any]) -> None:
        sample = config["multimesh:services"][0]
        services = [{"name": _name(number), "namespace": NAMESPACE, "port": _PORT} for number in range(count)]
        config["multimesh:services"] = [sample, *services]

    return change


def _name(number: int) -> str:
    return f"service-{number}"
