"""When the Kubernetes stand-in calls an object ready."""

from typing import cast

import pytest

from lab.plugins.kubernetes import readiness
from lab.plugins.kubernetes.api import Api, Kind, Object


class Answers:
    """An API whose lists are given."""

    def __init__(self, **lists: list[Object]) -> None:
        self._lists = lists

    def list(self, kind: Kind, _namespace: str, _labels: str) -> list[Object]:
        return self._lists.get(kind.plural, [])


def waits_for(live: Object, **lists: list[Object]) -> str | None:
    return readiness.missing(cast(Api, Answers(**lists)), live)


def deployment(status: Object, *, wanted: int = 2, generation: int = 3) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "echo", "namespace": "demo", "generation": generation},
        "spec": {"replicas": wanted, "selector": {"matchLabels": {"app": "echo"}}},
        "status": {"observedGeneration": 3} | status,
    }


DONE = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


def test_a_deployment_is_ready_when_every_replica_is_new_and_available() -> None:
    assert waits_for(deployment(DONE)) is None


@pytest.mark.parametrize(
    ("live", "reason"),
    [
        (deployment(DONE, generation=4), "2 of 2 replicas updated"),
        (deployment(DONE | {"updatedReplicas": 1}), "1 of 2 replicas updated"),
        (deployment(DONE | {"replicas": 3}), "1 old replicas to end"),
        (deployment(DONE | {"availableReplicas": 1}), "1 of 2 replicas available"),
        (deployment({}), "0 of 2 replicas updated"),
    ],
)
def test_a_deployment_in_its_rollout_says_what_it_waits_for(live: Object, reason: str) -> None:
    assert waits_for(live) == reason


def test_a_deployment_of_no_replicas_is_ready() -> None:
    assert waits_for(deployment({}, wanted=0)) is None


def test_a_deployment_says_what_its_pods_suffer_from() -> None:
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    pod = {"status": {"containerStatuses": [waiting]}}

    assert waits_for(deployment({}), pods=[pod, pod]) == "0 of 2 replicas updated (ImagePullBackOff: no such image)"


def service(spec: Object, status: Object | None = None) -> Object:
    metadata = {"name": "echo", "namespace": "demo"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec, "status": status or {}}


SELECTING = {"selector": {"app": "echo"}, "clusterIP": "10.96.0.9"}


def test_a_service_waits_for_a_ready_pod() -> None:
    assert waits_for(service(SELECTING)) == "no ready pod matches the selector"


@pytest.mark.parametrize(("conditions", "ready"), [({"ready": True}, True), ({}, True), ({"ready": False}, False)])
def test_a_service_is_ready_with_one_endpoint_that_is_not_said_to_be_unready(conditions: Object, ready: bool) -> None:
    part = {"endpoints": [{"conditions": conditions}]}

    assert (waits_for(service(SELECTING), endpointslices=[part]) is None) is ready


@pytest.mark.parametrize(
    "spec", [{"clusterIP": "10.96.0.9"}, SELECTING | {"clusterIP": "None"}, {"type": "ExternalName"}]
)
def test_a_service_without_pods_of_its_own_is_ready(spec: Object) -> None:
    assert waits_for(service(spec)) is None


def test_a_load_balancer_waits_for_its_address() -> None:
    spec, part = {**SELECTING, "type": "LoadBalancer"}, {"endpoints": [{}]}

    assert waits_for(service(spec), endpointslices=[part]) == "no address allocated for the load balancer"
    assert waits_for(service(spec, {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}), endpointslices=[part]) is None


def with_condition(api_version: str, kind: str, condition: str, status: str) -> Object:
    conditions = [{"type": condition, "status": status, "reason": "Reason", "message": "message"}]
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("api_version", "kind", "condition"),
    [
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "Established"),
        ("batch/v1", "Job", "Complete"),
        ("v1", "Pod", "Ready"),
    ],
)
@pytest.mark.parametrize("status", ["True", "False"])
def test_a_kind_with_a_condition_is_ready_when_that_is_true(
    api_version: str, kind: str, condition: str, status: str
) -> None:
    assert (waits_for(with_condition(api_version, kind, condition, status)) is None) is (status == "True")


def test_a_failed_job_is_not_waited_for() -> None:
    with pytest.raises(readiness.FailedError, match="Reason: message"):
        waits_for(with_condition("batch/v1", "Job", "Failed", "True"))


def test_a_definition_whose_names_are_taken_is_not_waited_for() -> None:
    live = with_condition("apiextensions.k8s.io/v1", "CustomResourceDefinition", "NamesAccepted", "False")

    with pytest.raises(readiness.FailedError, match="not accepted"):
        waits_for(live)


def test_any_other_kind_is_ready_once_it_exists() -> None:
    assert waits_for({"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {}}) is None


def test_the_token_of_a_service_account_is_waited_for_and_no_other_secret() -> None:
    token = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": {}}
    assert waits_for(token) == "no token yet"
    assert waits_for(token | {"data": {"token": "dA=="}}) is None
    assert waits_for(token | {"type": "Opaque"}) is None
