"""What a single mesh can do besides an even split: weights by cluster, a service in one cluster, a renewed CA."""

import base64
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from kubernetes.client import AppsV1Api, AuthenticationV1Api

from lab.stack import Stack
from multimesh.verify.answers import Answer
from multimesh.verify.inside import ask_from_pod, echo_pod
from tests.faults.load import load

EVEN = {"meshes": {"east": 50, "west": 50}, "split": "failover"}
BY_CLUSTER = {"meshes": {"east": 80, "west": 20}, "split": "weighted"}
ALONE = {"name": "alone", "namespace": "demo", "port": 80, "meshes": {"east": 1}}


def set_services(stack: Stack, *others: dict[str, Any], **of_echo: Any) -> None:
    def change(config: dict[str, Any]) -> None:
        echo, *_ = config["multimesh:services"]
        config["multimesh:services"] = [echo | of_echo, *others]

    stack.configure(change)


def test_weights_by_cluster_are_kept_to(single: Stack) -> None:
    set_services(single, **BY_CLUSTER)
    single.up()
    report = single.verify(200)
    set_services(single, **EVEN)
    single.up()
    assert report["findings"] == []
    assert report["weights"] == BY_CLUSTER["meshes"]
    for verdict in report["verdicts"]:
        assert verdict["answered_by"][0]["at_least"] > 100, "the bound must tell 80/20 from 50/50"


@pytest.fixture
def alone(single: Stack) -> Iterator[None]:
    """A service that runs in east and nowhere else, of the sample's image."""
    with single.api("east") as core:
        apps: Any = AppsV1Api(core.api_client)
        template = apps.read_namespaced_deployment("echo", "demo").spec.template
        template.metadata.labels = labels = {"app": "alone"}
        spec = {"selector": {"matchLabels": labels}, "template": template}
        apps.create_namespaced_deployment("demo", {"metadata": {"name": "alone"}, "spec": spec})
        ports = [{"name": "http", "port": 80, "targetPort": 8080}]
        core.create_namespaced_service(
            "demo", {"metadata": {"name": "alone"}, "spec": {"selector": labels, "ports": ports}}
        )
        deadline = time.monotonic() + 60
        while (
            not apps.read_namespaced_deployment("alone", "demo").status.ready_replicas and time.monotonic() < deadline
        ):
            time.sleep(0.5)
        yield
        core.delete_namespaced_service("alone", "demo")
        apps.delete_namespaced_deployment("alone", "demo")


@pytest.mark.usefixtures("alone")
def test_a_service_of_one_cluster_is_called_from_the_other_by_both_names(single: Stack) -> None:
    set_services(single, ALONE)
    single.up()
    answered = {}
    with echo_pod(single.outputs().kubeconfigs["west"]) as run:
        for name in ("alone.demo", "alone.demo.global"):
            outcomes = ask_from_pod(run, f"http://{name}/", 25)
            answered[name] = {outcome.mesh if isinstance(outcome, Answer) else outcome.reason for outcome in outcomes}
    set_services(single)
    single.up()
    assert answered == {"alone.demo": {"east"}, "alone.demo.global": {"east"}}


def tokens(stack: Stack, cluster: str) -> dict[str, str]:
    """The tokens by which control planes elsewhere read a cluster, by their Secrets' names."""
    with stack.api(cluster) as core:
        secrets = core.list_namespaced_secret(
            "istio-system", field_selector="type=kubernetes.io/service-account-token"
        ).items
    return {secret.metadata.name: base64.b64decode(secret.data["token"]).decode() for secret in secrets}


def given_token(stack: Stack, reader: str, cluster: str) -> str:
    """The token that the control plane in `reader` has for `cluster`."""
    with stack.api(reader) as core:
        secret = core.read_namespaced_secret(f"istio-remote-secret-{cluster}", "istio-system")
    [user] = yaml.safe_load(base64.b64decode(secret.data[cluster]))["users"]
    return user["user"]["token"]


def is_taken(stack: Stack, cluster: str, token: str) -> bool:
    with stack.api(cluster) as core:
        api: Any = AuthenticationV1Api(core.api_client)
        review = api.create_token_review({"spec": {"token": token}})
    return bool(review.status.authenticated)


def replace_pods(stack: Stack, cluster: str) -> None:
    """Give echo in a cluster another pod, at an address that nobody knows yet."""
    with stack.api(cluster) as core:
        for pod in core.list_namespaced_pod("demo", label_selector="app=echo").items:
            core.delete_namespaced_pod(pod.metadata.name, "demo")


def test_a_renewed_ca_renews_the_tokens_and_no_request_fails(single: Stack) -> None:
    before = {cluster: tokens(single, cluster) for cluster in ("east", "west")}
    single.configure(lambda config: config.update({"multimesh:trust": {"intermediate_days": 364}}))
    with load(single.outputs().meshes["west"].ingress_url) as requests:
        single.up()
    after = {cluster: tokens(single, cluster) for cluster in ("east", "west")}

    assert requests.reasons() == {}
    for cluster, reader in (("east", "west"), ("west", "east")):
        assert len(after[cluster]) == 1
        assert not after[cluster].keys() & before[cluster].keys()
        [old], [new] = before[cluster].values(), after[cluster].values()
        assert (is_taken(single, cluster, old), is_taken(single, cluster, new)) == (False, True)
        assert given_token(single, reader, cluster) == new
    for cluster in ("east", "west"):
        replace_pods(single, cluster)
    assert single.settled() == [], "control planes learn of new pods with the new tokens"
    single.up("--expect-no-changes")
