"""A mesh that gets Istio's CNI node agent, and loses it again.

With the agent its sample runs at Pod Security's level "restricted", which refuses the init container of other sidecars.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kubernetes.client import AppsV1Api

from lab import paths
from lab.stack import Stack
from tests.e2e.test_3_renewal import eventually

ENFORCED = "pod-security.kubernetes.io/enforce"


@pytest.fixture(scope="module", autouse=True)
def _as_it_was(stack: Stack) -> Iterator[None]:
    yield
    stack.configure(lambda config: config["multimesh:meshes"]["west"].pop("istio", None))


def set_node_agent(stack: Stack, *, cni: bool) -> None:
    stack.configure(lambda config: config["multimesh:meshes"]["west"].update({"istio": {"cni": cni}}))


def gateway(stack: Stack) -> tuple[str, int]:
    """Return which pod is west's gateway, and how often it was restarted."""
    with stack.api("west") as core:
        [pod] = core.list_namespaced_pod("istio-system", label_selector="istio=ingressgateway").items
    return pod.metadata.uid, sum(status.restart_count for status in pod.status.container_statuses)


def init_containers(pod: Any) -> dict[str, list[str]]:
    """Return the capabilities that each init container of a pod adds."""
    containers = pod.spec.init_containers or []
    return {one.name: one.security_context.capabilities.add or [] for one in containers}


@contextmanager
def sample(stack: Stack) -> Iterator[tuple[Any, Any, str]]:
    """Yield the API of west's cluster, the sample's pod, once it is alone, and the level of its namespace."""
    with stack.api("west") as core:
        assert eventually(lambda: len(core.list_namespaced_pod("demo", label_selector="app=echo").items) == 1)
        [pod] = core.list_namespaced_pod("demo", label_selector="app=echo").items
        yield core, pod, core.read_namespace("demo").metadata.labels[ENFORCED]


def plugins(stack: Stack) -> list[str]:
    """Return the plugins that the pod network of west's node consists of."""
    file = paths.STATE / stack.labs()["west"]["id"] / "config/cni/net.d/pods.conflist"
    return [plugin["type"] for plugin in json.loads(file.read_text())["plugins"]]


def test_a_mesh_with_the_node_agent_answers_and_calls_as_before(stack: Stack) -> None:
    had = gateway(stack)
    set_node_agent(stack, cni=True)
    stack.up()
    assert stack.settled() == []
    assert stack.wrong() == []
    assert gateway(stack) == had, "what runs is left alone"


def test_sidecars_then_start_at_the_level_restricted(stack: Stack) -> None:
    with sample(stack) as (_, pod, level):
        assert level == "restricted"
        assert "istio-init" not in init_containers(pod)
        assert all(added == [] for added in init_containers(pod).values())
    assert plugins(stack)[-1] == "istio-cni"
    stack.up("--expect-no-changes")


def test_a_mesh_that_loses_it_answers_and_calls_as_before(stack: Stack) -> None:
    had = gateway(stack)
    set_node_agent(stack, cni=False)
    stack.up()
    assert stack.settled() == []
    assert gateway(stack) == had


def test_nothing_of_the_node_agent_is_left(stack: Stack) -> None:
    with sample(stack) as (core, pod, level):
        assert level == "privileged"
        assert init_containers(pod)["istio-init"] == ["NET_ADMIN", "NET_RAW"]
        assert AppsV1Api(core.api_client).list_namespaced_daemon_set("kube-system").items == []
    assert "istio-cni" not in plugins(stack)
