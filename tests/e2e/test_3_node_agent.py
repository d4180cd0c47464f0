"""A mesh that gets Istio's CNI node agent, and loses it again, while requests are sent: none fails.

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
from tests.faults import load as loads
from tests.faults.load import load

ENFORCED = "pod-security.kubernetes.io/enforce"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that a busy machine delays is not lost."""
    monkeypatch.setattr(loads, "TIMEOUT", 30.0)


@pytest.fixture(scope="module", autouse=True)
def _as_it_was(stack: Stack) -> Iterator[None]:
    yield
    stack.configure(lambda config: config["multimesh:meshes"]["west"].pop("istio", None))


def set_node_agent(stack: Stack, *, cni: bool) -> None:
    stack.configure(lambda config: config["multimesh:meshes"]["west"].update({"istio": {"cni": cni}}))


def updated_under_load(stack: Stack) -> tuple[dict[str, int], dict[str, int]]:
    """Update the stack, and return how often requests to both meshes failed meanwhile, by reason."""
    urls = [stack.outputs().meshes[mesh].ingress_url for mesh in ("east", "west")]
    with load(urls[0]) as of_east, load(urls[1]) as of_west:
        stack.up()
    return of_east.reasons(), of_west.reasons()


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


def test_no_request_fails_while_a_mesh_gets_the_node_agent(stack: Stack) -> None:
    set_node_agent(stack, cni=True)
    assert updated_under_load(stack) == ({}, {})
    assert stack.settled() == []
    assert stack.wrong() == []


def test_sidecars_then_start_at_the_level_restricted(stack: Stack) -> None:
    with sample(stack) as (_, pod, level):
        assert level == "restricted"
        assert "istio-init" not in init_containers(pod)
        assert all(added == [] for added in init_containers(pod).values())
    assert plugins(stack)[-1] == "istio-cni"
    stack.up("--expect-no-changes")


def test_no_request_fails_while_a_mesh_loses_the_node_agent(stack: Stack) -> None:
    set_node_agent(stack, cni=False)
    assert updated_under_load(stack) == ({}, {})
    assert stack.settled() == []


def test_nothing_of_the_node_agent_is_left(stack: Stack) -> None:
    with sample(stack) as (core, pod, level):
        assert level == "privileged"
        assert init_containers(pod)["istio-init"] == ["NET_ADMIN", "NET_RAW"]
        assert AppsV1Api(core.api_client).list_namespaced_daemon_set("kube-system").items == []
    assert "istio-cni" not in plugins(stack)
