"""What becomes of requests to mesh west while something of the federation is broken."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import yaml
from kubernetes.client import AppsV1Api
from kubernetes.config import new_client_from_config_dict

from tests.e2e.stack import Stack
from tests.faults.figures import Figures
from tests.faults.load import load

Cut = Callable[[str, str], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def west(stack: Stack) -> str:
    """The ingress that the load goes through."""
    return stack.outputs().meshes["west"].ingress_url


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)


def drop(east: str, west: str) -> Iterator[list[str]]:
    """Commands, but for their verb, that let no packet pass between two clusters, either way."""
    for source, target in ((east, west), (west, east)):
        yield ["iptables", "--wait", "FORWARD", "-i", source, "-o", target, "-j", "DROP"]


@contextmanager
def packets_dropped(east: str, west: str) -> Iterator[None]:
    """The link between two clusters, cut by a packet filter."""
    for command, wait, *rule in drop(east, west):
        run(command, wait, "--insert", *rule)
    try:
        yield
    finally:
        for command, wait, *rule in drop(east, west):
            run(command, wait, "--delete", *rule)


@contextmanager
def link_down(east: str, west: str) -> Iterator[None]:  # noqa: ARG001  the same shape as the other cut
    """The peer's link, down."""
    run("ip", "link", "set", east, "down")
    try:
        yield
    finally:
        run("ip", "link", "set", east, "up")


def test_a_killed_gateway_of_the_peer_is_not_missed(stack: Stack, west: str, figures: Figures) -> None:
    with stack.api("east") as api, load(west) as requests:
        [gateway] = api.list_namespaced_pod("istio-system", label_selector="istio=ingressgateway").items
        killed = time.monotonic()
        api.delete_namespaced_pod(gateway.metadata.name, "istio-system", grace_period_seconds=0)
        time.sleep(10)
        both = requests.seconds_until_both_answer(time.monotonic(), 120)
        time.sleep(5)
    figures.of_load("the peer's gateway killed", requests, killed, f"the split is back within {10 + both:.0f} s")
    assert len(requests.failures()) <= 5
    assert requests.failures(killed + 10) == []


@pytest.mark.parametrize(
    ("cut", "what"),
    [
        (packets_dropped, "the link cut by a packet filter for 20 s, then healed"),
        (link_down, "the peer's link down for 20 s, then up"),
    ],
)
def test_a_cut_link_is_not_missed_and_the_split_comes_back(
    stack: Stack, west: str, figures: Figures, cut: Cut, what: str
) -> None:
    ids = {mesh: lab["id"] for mesh, lab in stack.labs().items()}
    with load(west) as requests:
        with cut(ids["east"], ids["west"]):
            begun = time.monotonic()
            time.sleep(20)
            by = requests.answered_by(begun + 12)
        healed = time.monotonic()
        back = requests.seconds_until_both_answer(healed, 90)
        time.sleep(5)
    figures.of_load(what, requests, begun, f"the split is back {back:.0f} s after healing")
    assert set(by) == {"west"}
    assert requests.failures(begun + 10) == []
    assert len(requests.failures()) <= 25
    assert stack.settled() == []


@pytest.mark.parametrize("mesh", ["east", "west"])
def test_nothing_fails_while_an_istiod_is_down(stack: Stack, west: str, figures: Figures, mesh: str) -> None:
    kubeconfig = yaml.safe_load(stack.outputs().kubeconfigs[mesh].get_secret_value())
    with new_client_from_config_dict(kubeconfig) as connected, stack.api(mesh) as core, load(west) as requests:
        apps = AppsV1Api(connected)

        def pods() -> int:
            return len(core.list_namespaced_pod("istio-system", label_selector="app=istiod").items)

        stopped = time.monotonic()
        apps.patch_namespaced_deployment_scale("istiod", "istio-system", {"spec": {"replicas": 0}})
        while pods() and time.monotonic() < stopped + 60:
            time.sleep(0.2)
        gone = pods() == 0
        time.sleep(20)
        by = requests.answered_by(stopped + 5)
        apps.patch_namespaced_deployment_scale("istiod", "istio-system", {"spec": {"replicas": 1}})
        time.sleep(10)
    where = "the asked mesh" if mesh == "west" else "the peer"
    figures.of_load(f"istiod of {where} down for 20 s", requests, stopped, "the split is unchanged")
    assert gone
    assert requests.reasons() == {}
    assert set(by) == {"east", "west"}
