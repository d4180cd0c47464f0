"""A canary upgrade of a control plane, under load: no request fails, and the former one goes when nothing uses it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kubernetes.client import AdmissionregistrationV1Api, AppsV1Api

from lab.stack import Stack
from tests.e2e.test_3_renewal import eventually
from tests.faults import load as loads
from tests.faults.load import load

REVISION = "1-31-1"
WEB = {"app": "web"}
HERE = "canary-shop"
"""A namespace of the user's, which chooses a control plane by its own labels."""


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that a busy machine delays is not lost."""
    monkeypatch.setattr(loads, "TIMEOUT", 30.0)


class East:
    """What a user sees of east's cluster, and does in it."""

    def __init__(self, core: Any) -> None:
        self.core = core
        self.apps: Any = AppsV1Api(core.api_client)

    def control_planes(self) -> dict[str, bool]:
        """Return whether each control plane is available, by the name of its Deployment."""
        found: Any = self.apps.list_namespaced_deployment("istio-system", label_selector="app=istiod").items
        return {one.metadata.name: bool(one.status.available_replicas) for one in found}

    def injectors(self) -> set[str]:
        hooks: Any = AdmissionregistrationV1Api(self.core.api_client).list_mutating_webhook_configuration().items
        return {hook.metadata.name for hook in hooks}

    def revisions(self, namespace: str) -> set[str]:
        """Return the control planes of the proxies in a namespace."""
        pods: Any = self.core.list_namespaced_pod(namespace).items
        said = ((pod.metadata.annotations or {}).get("istio.io/rev") for pod in pods)
        return {revision for revision in said if revision}

    def make_web(self) -> None:
        template = self.apps.read_namespaced_deployment("echo", "demo").spec.template
        template.metadata.labels, template.metadata.annotations = WEB, {}
        template.spec.service_account_name = template.spec.service_account = "default"
        labels = {"istio-injection": "enabled"}
        self.core.create_namespace({"metadata": {"name": HERE, "labels": labels}})
        assert eventually(lambda: bool(self.core.list_namespaced_service_account(HERE).items))
        deployment = {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": WEB}, "template": template}}
        self.apps.create_namespaced_deployment(HERE, deployment)
        assert eventually(lambda: self.apps.read_namespaced_deployment("web", HERE).status.ready_replicas == 1)

    def move_web(self, revision: str | None) -> None:
        """Do what the note says: label the namespace, then restart the Deployment."""
        labels = {"istio-injection": None if revision else "enabled", "istio.io/rev": revision}
        self.core.patch_namespace(HERE, {"metadata": {"labels": labels}})
        annotations = {"restarted": revision or "default"}
        self.apps.patch_namespaced_deployment(
            "web", HERE, {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        )
        assert eventually(lambda: self.revisions(HERE) == {revision or "default"})


@contextmanager
def east(stack: Stack) -> Iterator[East]:
    with stack.api("east") as core:
        yield East(core)


def set_revision(stack: Stack, revision: str | None) -> None:
    istio = {"istio": {"revision": revision}} if revision else {}
    stack.configure(lambda config: config["multimesh:meshes"].update(east={"cluster": {"kind": "local"}} | istio))


@pytest.fixture(scope="module", autouse=True)
def _web(stack: Stack) -> Iterator[None]:
    with east(stack) as cluster:
        cluster.make_web()
        yield
        cluster.core.delete_namespace(HERE)
    set_revision(stack, None)


@pytest.fixture
def said(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Return what the program says of east's control planes."""
    lines, show = list[str](), stack.show

    def listen(line: str) -> None:
        lines.append(line)
        show(line)

    monkeypatch.setattr(stack, "show", listen)
    return lambda: [line.partition("mesh east: ")[2] for line in lines if "mesh east: " in line]


def up(stack: Stack) -> dict[str, dict[str, int]]:
    """Update the stack while requests are sent to each mesh; return how many failed, by mesh and reason."""
    urls = {mesh: about.ingress_url for mesh, about in stack.outputs().meshes.items()}
    with load(urls["east"]) as of_east, load(urls["west"]) as of_west:
        stack.up()
    reasons = {"east": of_east.reasons(), "west": of_west.reasons()}
    return {mesh: found for mesh, found in reasons.items() if found}


def test_another_control_plane_runs_beside_and_no_request_fails(stack: Stack, said: Callable[[], list[str]]) -> None:
    set_revision(stack, REVISION)
    assert up(stack) == {}
    with east(stack) as cluster:
        assert cluster.control_planes() == {"istiod": True, f"istiod-{REVISION}": True}
        assert eventually(lambda: cluster.revisions("demo") | cluster.revisions("istio-system") == {REVISION})
        assert cluster.revisions(HERE) == {"default"}
    move = f"`kubectl label namespace {HERE} --overwrite istio-injection- istio.io/rev={REVISION}`"
    restart = f"`kubectl rollout restart -n {HERE} deployment/web`"
    staying = f"control plane default stays for namespace {HERE}, {HERE}/deployment/web. Move them to {REVISION}: "
    assert f"{staying}{move}, then {restart}" in said()


def test_the_former_one_stays_until_the_users_workloads_have_moved(stack: Stack) -> None:
    stack.up("--expect-no-changes")
    assert stack.settled() == []
    assert stack.wrong() == []


def test_it_is_removed_when_nothing_uses_it_and_no_request_fails(stack: Stack, said: Callable[[], list[str]]) -> None:
    with east(stack) as cluster:
        cluster.move_web(REVISION)
        assert up(stack) == {}
        assert "nothing uses control plane default any more: it is removed" in said()
        assert eventually(lambda: cluster.control_planes() == {f"istiod-{REVISION}": True})
        assert eventually(lambda: cluster.injectors() == {f"istio-sidecar-injector-{REVISION}"})
    stack.up("--expect-no-changes")
    assert stack.settled() == []
    assert stack.wrong() == []


def test_without_the_key_it_returns_to_one_without_a_revision(stack: Stack) -> None:
    set_revision(stack, None)
    assert up(stack) == {}
    with east(stack) as cluster:
        cluster.move_web(None)
        assert eventually(lambda: cluster.revisions("demo") | cluster.revisions("istio-system") == {"default"})
        assert up(stack) == {}
        assert eventually(lambda: cluster.control_planes() == {"istiod": True})
    assert stack.settled() == []
