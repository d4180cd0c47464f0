"""Ways to break a part of a federation, each for as long as a block runs."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kubernetes.client import AppsV1Api

from lab.stack import Stack


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)


@contextmanager
def packets_dropped(east: str, west: str) -> Iterator[None]:
    """The link between two clusters (their ids), cut by a packet filter."""
    rules = [["FORWARD", "-i", source, "-o", target, "-j", "DROP"] for source, target in ((east, west), (west, east))]
    for rule in rules:
        run("iptables", "--wait", "--insert", *rule)
    try:
        yield
    finally:
        for rule in rules:
            run("iptables", "--wait", "--delete", *rule)


@contextmanager
def link_down(east: str, west: str) -> Iterator[None]:  # noqa: ARG001  the same shape as the other cut
    """The peer's link, down."""
    run("ip", "link", "set", east, "down")
    try:
        yield
    finally:
        run("ip", "link", "set", east, "up")


def kill_gateway(stack: Stack, mesh: str) -> None:
    """End a mesh's gateway at once; its Deployment makes another one."""
    with stack.api(mesh) as api:
        [gateway] = api.list_namespaced_pod("istio-system", label_selector="istio=ingressgateway").items
        api.delete_namespaced_pod(gateway.metadata.name, "istio-system", grace_period_seconds=0)


@contextmanager
def without_pods(stack: Stack, mesh: str, namespace: str, app: str) -> Iterator[None]:
    """A Deployment with no pods, which are gone when the block begins; it has one again at the end."""
    with stack.api(mesh) as api:
        scale(api, namespace, app, 0)
        deadline = time.monotonic() + 60
        while ready(api, namespace, app, gone=True) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not ready(api, namespace, app, gone=True)
        try:
            yield
        finally:
            scale(api, namespace, app, 1)


def scale(api: Any, namespace: str, app: str, replicas: int) -> None:
    """Ask for a number of pods; `api` is a CoreV1Api."""
    AppsV1Api(api.api_client).patch_namespaced_deployment_scale(app, namespace, {"spec": {"replicas": replicas}})


def ready(api: Any, namespace: str, app: str, *, gone: bool = False) -> int:
    """How many pods are ready; with `gone`, how many there are at all."""
    pods = api.list_namespaced_pod(namespace, label_selector=f"app={app}").items
    return sum(
        gone or any(part.type == "Ready" and part.status == "True" for part in pod.status.conditions or ())
        for pod in pods
    )
