"""`multimesh check` on a live stack. What it says of every kind of fault: tests/faults/test_faults_8_check.py."""

from collections.abc import Iterator

import pytest
from kubernetes.client import CustomObjectsApi

from lab.stack import Stack


def test_nothing_of_a_sound_stack_is_worth_a_remark_and_everything_is_seen(stack: Stack) -> None:
    elsewhere = "lab-remains"  # other stacks' clusters come and go on the machine
    assert [check for check in stack.checked() if check["problems"] and check["check"] != elsewhere] == []


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
