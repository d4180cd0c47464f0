"""CAs that are renewed: every control plane takes the new one, and no request fails."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.stack import Stack
from tests.faults.load import load

EXPIRY = re.compile(r"^citadel_server_cert_chain_expiry_timestamp(?:{.*})? (\S+)$", re.MULTILINE)


def eventually(holds: Callable[[], bool], seconds: float = 180) -> bool:
    deadline = time.monotonic() + seconds
    while not (answer := holds()) and time.monotonic() < deadline:
        time.sleep(1)
    return answer


def signs_until(api: Any) -> set[str]:
    """When the CAs expire that the control planes in a cluster sign with, as RFC 3339."""
    pods = api.list_namespaced_pod("istio-system", label_selector="app=istiod").items
    texts = [
        api.connect_get_namespaced_pod_proxy_with_path(f"{pod.metadata.name}:15014", "istio-system", "metrics")
        for pod in pods
    ]
    moments = [datetime.fromtimestamp(float(EXPIRY.findall(text)[0]), UTC) for text in texts]
    return {moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in moments}


def given_root(api: Any) -> str:
    """The root certificate that the workloads in a namespace are given."""
    return api.read_namespaced_config_map("istio-ca-root-cert", "demo").data["root-cert.pem"]


def renew(stack: Stack, **trust: int) -> dict[str, int]:
    """Bring the stack to CAs of other lifetimes, under load; return how often requests failed, by reason."""
    stack.configure(lambda config: config.setdefault("multimesh:trust", {}).update(trust))
    with load(stack.outputs().meshes["west"].ingress_url) as requests:
        stack.up()
        time.sleep(5)
    return requests.reasons()


def test_a_renewed_intermediate_is_signed_with_and_no_request_fails(stack: Stack) -> None:
    assert renew(stack, intermediate_days=364) == {}
    outputs = stack.outputs()
    for mesh, about in outputs.meshes.items():
        with stack.api(mesh) as api:
            assert eventually(lambda api=api, about=about: signs_until(api) == {about.ca_expires}), mesh
    assert stack.settled() == []


def test_a_renewed_root_is_given_to_every_workload_and_no_request_fails(stack: Stack) -> None:
    had = stack.outputs().root_ca
    assert renew(stack, root_days=3649) == {}
    outputs = stack.outputs()
    assert outputs.root_ca != had
    for mesh, about in outputs.meshes.items():
        with stack.api(mesh) as api:
            assert eventually(lambda api=api: given_root(api) == outputs.root_ca), mesh
            assert eventually(lambda api=api, about=about: signs_until(api) == {about.ca_expires}), mesh
    assert stack.settled() == []


@pytest.mark.parametrize("mesh", ["east", "west"])
def test_a_pod_that_starts_afterwards_is_trusted(stack: Stack, mesh: str) -> None:
    with stack.api(mesh) as api:
        for pod in api.list_namespaced_pod("demo", label_selector="app=echo").items:
            api.delete_namespaced_pod(pod.metadata.name, "demo")
    assert stack.settled() == []
