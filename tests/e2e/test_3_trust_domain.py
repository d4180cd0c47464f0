"""A mesh that changes its trust domain while requests are sent: none fails, and what has the former one is named."""

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import AppsV1Api

from lab.stack import PulumiError, Stack
from tests.e2e.test_3_renewal import eventually
from tests.faults import load as loads
from tests.faults.load import load

OLD, NEW = "east.mesh", "shop.example"
WEB = {"app": "web"}


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that a busy machine delays is not lost."""
    monkeypatch.setattr(loads, "TIMEOUT", 30.0)


@pytest.fixture(scope="module")
def web(stack: Stack) -> Iterator[Any]:
    """A workload of the user's in east, which no update restarts: it calls the sample, and answers."""
    with stack.api("east") as core:
        apps: Any = AppsV1Api(core.api_client)
        template = apps.read_namespaced_deployment("echo", "demo").spec.template
        template.metadata.labels, template.metadata.annotations = WEB, {}
        apps.create_namespaced_deployment(
            "demo", {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": WEB}, "template": template}}
        )
        assert eventually(lambda: apps.read_namespaced_deployment("web", "demo").status.ready_replicas == 1)
        yield apps
        apps.delete_namespaced_deployment("web", "demo")
    made = stack.outputs().meshes["east"]  # a step that failed must not have later tests' configurations refused
    set_trust_domains(stack, made.trust_domain, *made.trust_domain_aliases)


def set_trust_domains(stack: Stack, *domains: str) -> None:
    domain, *aliases = domains
    named = {"trust_domain": domain, "trust_domain_aliases": aliases}
    stack.configure(lambda config: config["multimesh:meshes"]["east"].update(named))


def test_a_change_at_once_is_refused_at_preview(stack: Stack) -> None:
    set_trust_domains(stack, NEW)
    with pytest.raises(PulumiError, match=f"trust_domain: '{NEW}': no mesh accepts it yet"):
        stack.preview()


@pytest.mark.usefixtures("web")
def test_no_request_fails_while_the_trust_domain_changes(stack: Stack) -> None:
    urls = [stack.outputs().meshes[mesh].ingress_url for mesh in ("east", "west")]
    for domains in ((OLD, NEW), (NEW, OLD)):
        set_trust_domains(stack, *domains)
        with load(urls[0]) as of_east, load(urls[1]) as of_west:
            stack.up()
        assert (domains[0], of_east.reasons(), of_west.reasons()) == (domains[0], {}, {})
    assert stack.settled() == []


def test_the_former_one_is_kept_until_workloads_have_restarted(stack: Stack, web: Any) -> None:
    set_trust_domains(stack, NEW)
    with pytest.raises(PulumiError, match=f"{OLD} cannot be removed: .*kubectl rollout restart -n demo deployment/web"):
        stack.preview()
    web.patch_namespaced_deployment("web", "demo", {"spec": {"template": {"metadata": {"annotations": {"new": "1"}}}}})
    with stack.api("east") as core:
        assert eventually(lambda: len(core.list_namespaced_pod("demo", label_selector="app=web").items) == 1)
    with load(stack.outputs().meshes["west"].ingress_url) as requests:
        stack.up()
    assert requests.reasons() == {}
    assert stack.settled() == []
    stack.up("--expect-no-changes")
