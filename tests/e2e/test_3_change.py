"""A line of configuration changes who answers and who may ask."""

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import CustomObjectsApi

from lab.stack import Stack


def set_on_echo(stack: Stack, **settings: Any) -> None:
    """Set keys of the service echo; None removes one."""

    def change(config: dict[str, Any]) -> None:
        [echo] = [service for service in config["multimesh:services"] if service["name"] == "echo"]
        echo.update(settings)
        for key in [key for key, value in echo.items() if value is None]:
            del echo[key]

    stack.configure(change)


@pytest.fixture
def restored(stack: Stack) -> Iterator[None]:
    """Puts the configuration of the service back, without an `up`."""
    yield
    set_on_echo(stack, meshes={"east": 50, "west": 50}, callers=None)


def test_what_somebody_changed_in_a_cluster_is_seen_by_refresh_and_repaired_by_up(stack: Stack) -> None:
    place, name = ("networking.istio.io", "v1", "istio-system"), "echo.demo.global"
    with stack.api("east") as core:
        objects: Any = CustomObjectsApi(core.api_client)
        before = [
            objects.get_namespaced_custom_object(*place, plural, name)["spec"]
            for plural in ("destinationrules", "virtualservices")
        ]
        objects.patch_namespaced_custom_object(*place, "destinationrules", name, {"spec": {"exportTo": ["."]}})
        objects.delete_namespaced_custom_object(*place, "virtualservices", name)
        stack.pulumi("refresh", "--yes", "--skip-preview")
        stack.up()
        after = [
            objects.get_namespaced_custom_object(*place, plural, name)["spec"]
            for plural in ("destinationrules", "virtualservices")
        ]
    assert after == before


@pytest.mark.usefixtures("restored")
def test_a_weight_change_changes_the_split(stack: Stack) -> None:
    set_on_echo(stack, meshes={"east": 80, "west": 20})
    stack.up()
    report = stack.verify(200)
    assert report["findings"] == []
    assert report["weights"] == {"east": 80, "west": 20}
    for verdict in report["verdicts"]:
        assert verdict["answered_by"][0]["at_least"] > 100, "the bound must tell 80/20 from 50/50"


@pytest.mark.usefixtures("restored")
def test_a_caller_that_is_not_listed_gets_403(stack: Stack) -> None:
    set_on_echo(stack, callers=["east"])
    stack.up()
    inside = {
        verdict["mesh"]: verdict["errors"]
        for verdict in stack.verify(25)["verdicts"]
        if verdict["path"] == "global name"
    }
    assert inside == {"east": {}, "west": {"403 Forbidden": 25}}
    said = {check["check"]: check["problems"] for check in stack.checked()}
    assert [one for one in said["answers"] if "403" in one["cause"]] == [], "for west, it is right"
    # Connections from before the change are a warning.
    assert [one for one in said["unlisted-callers"] if one["severity"] != "warning"] == []
