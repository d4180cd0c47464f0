"""A user's own service, exported by one of its ports: what is not listed works as it did before."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import utils

from lab.paths import IMAGE_HUB, IMAGE_TAG
from lab.stack import Stack
from multimesh.verify.inside import echo_pod

NAMESPACE = "shop"
REQUESTS = 20


def shop(mesh: str) -> list[dict[str, Any]]:
    """Return a workload with two HTTP ports, behind one Service, as Kubernetes objects."""
    container = {
        "name": "app",
        "image": f"{IMAGE_HUB}/app:{IMAGE_TAG}",
        "command": ["/usr/local/bin/server"],
        "args": ["--port=8080", "--port=9090", "--tcp=6379", f"--cluster={mesh}"],  # TCP is at 9090 by default
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 2},
        "resources": {"requests": {"cpu": "5m", "memory": "16Mi"}},
    }
    labels = {"app": "multi"}
    named = {"name": "multi", "namespace": NAMESPACE}
    ports = [
        {"name": "http", "port": 80, "targetPort": 8080},
        {"name": "http-admin", "port": 9090, "targetPort": 9090},
    ]
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": {"istio-injection": "enabled"}},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": named,
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
        {"apiVersion": "v1", "kind": "Service", "metadata": named, "spec": {"selector": labels, "ports": ports}},
    ]


@pytest.fixture(scope="module")
def multi(stack: Stack) -> Iterator[Stack]:
    """The stack with the service `multi` of namespace shop in both meshes, exported by port 80 alone."""
    for mesh in ("east", "west"):
        with stack.api(mesh) as api:
            for manifest in shop(mesh):
                utils.create_from_dict(api.api_client, manifest)
            wait_for_pod(api)
    exported = {"name": "multi", "namespace": NAMESPACE, "port": 80, "meshes": {"east": 50, "west": 50}}
    stack.configure(lambda config: config["multimesh:services"].append(exported))
    stack.up()
    yield stack
    stack.configure(lambda config: config["multimesh:services"].remove(exported))
    stack.up()
    for mesh in ("east", "west"):
        with stack.api(mesh) as api:
            api.delete_namespace(NAMESPACE)


def wait_for_pod(api: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pods = api.list_namespaced_pod(NAMESPACE, label_selector="app=multi").items
        if any(part.type == "Ready" and part.status == "True" for pod in pods for part in pod.status.conditions or ()):
            return
        time.sleep(0.5)
    raise TimeoutError(f"no pod of multi is ready after {seconds:g} s")


def ask(stack: Stack, mesh: str, url: str, *options: str) -> str:
    """Return what the echo client in a pod of a mesh prints of some requests."""
    with echo_pod(stack.outputs().kubeconfigs[mesh]) as run:
        said, reason = run(["/usr/local/bin/client", url, f"--count={REQUESTS}", "--qps=50", "--timeout=5s", *options])
    assert reason == ""
    return said


@pytest.mark.parametrize("name", ["multi.shop", "multi.shop.global"])
def test_the_listed_port_is_answered_by_both_meshes(multi: Stack, name: str) -> None:
    deadline = time.monotonic() + 30  # a sidecar learns of routes some seconds after they are made
    said = ""
    while set(re.findall(r"Cluster=(\w+)", said)) != {"east", "west"} and time.monotonic() < deadline:
        said = ask(multi, "east", f"http://{name}/")
    assert set(re.findall(r"Cluster=(\w+)", said)) == {"east", "west"}
    assert set(re.findall(r"ServicePort=(\d+)", said)) == {"8080"}


@pytest.mark.parametrize("mesh", ["east", "west"])
def test_a_port_that_is_not_listed_is_answered_by_itself_in_its_own_mesh(multi: Stack, mesh: str) -> None:
    said = ask(multi, mesh, "http://multi.shop:9090/")
    assert re.findall(r"ServicePort=(\d+)", said) == ["9090"] * REQUESTS
    assert re.findall(r"Cluster=(\w+)", said) == [mesh] * REQUESTS


def test_a_post_that_the_application_answers_with_an_error_is_executed_once(multi: Stack) -> None:
    said = ask(multi, "east", "http://multi.shop/once?codes=503", "--method=POST")
    assert re.findall(r"StatusCode=(\d+)", said) == ["503"] * REQUESTS
    assert sum(executed(multi, mesh) for mesh in ("east", "west")) == REQUESTS


def executed(stack: Stack, mesh: str) -> int:
    """Return how many POST requests the workload in one mesh has executed, by its log."""
    with stack.api(mesh) as api:
        [pod] = api.list_namespaced_pod(NAMESPACE, label_selector="app=multi").items
        log = api.read_namespaced_pod_log(pod.metadata.name, NAMESPACE, container="app")
    return len(re.findall(r"HTTP/\S+ Request\s.*method=POST url=/once", log))
