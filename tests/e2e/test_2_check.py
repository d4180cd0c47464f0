"""`multimesh check` on a live stack. What it says of every kind of fault: tests/faults/test_faults_8_check.py."""

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import CustomObjectsApi

from lab.stack import Stack

ASKED = ("lock", "lab-clusters", "injection", "signing-ca", "istioctl", "unlisted-callers")
"""The checks that ask others than the API servers: the backend, the lab, the webhook, istiod, Istio, proxies."""


@pytest.fixture(scope="module")
def checks(stack: Stack) -> list[dict[str, Any]]:
    """The checks of the sound stack."""
    return stack.checked()


def test_a_sound_stack_has_nothing_wrong(checks: list[dict[str, Any]]) -> None:
    assert [one for check in checks for one in check["problems"] if one["severity"] == "failed"] == []


def test_nothing_is_left_unasked(checks: list[dict[str, Any]]) -> None:
    found = {check["check"]: check["problems"] for check in checks}
    assert {name: found[name] for name in ASKED} == {name: [] for name in ASKED}


@pytest.fixture
def foreign(stack: Stack) -> Iterator[None]:
    """A tenant's VirtualService for the global name."""
    body = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "tenant"},
        "spec": {"hosts": ["echo.demo.global"], "http": [{"directResponse": {"status": 418}}]},
    }
    named = ("networking.istio.io", "v1", "demo", "virtualservices")
    with stack.api("west") as api:
        custom = CustomObjectsApi(api.api_client)
        custom.create_namespaced_custom_object(*named, body)
        yield
        custom.delete_namespaced_custom_object(*named, "tenant")


@pytest.mark.usefixtures("foreign")
def test_what_somebody_else_made_is_named(stack: Stack) -> None:
    assert stack.wrong()[0] == (
        "foreign-rules: echo.demo.global in west: VirtualService demo/tenant is somebody's, for the same host"
    )
