"""What matters of the pods behind a Service."""

from typing import Any

import pytest

from components.federation.pods import Pod, answering, pod

INJECT = "sidecar.istio.io/inject"


def read(metadata: dict[str, Any] | None = None, **spec: Any) -> Pod:
    return pod({"metadata": metadata or {}, "spec": {"containers": [{"name": "app"}], **spec}})


def endpoint(name: str, **conditions: bool) -> dict[str, Any]:
    return {"targetRef": {"kind": "Pod", "name": name}, **({"conditions": conditions} if conditions else {})}


@pytest.mark.parametrize(
    ("spec", "sidecar"),
    [
        ({}, False),
        ({"containers": [{"name": "app"}, {"name": "istio-proxy"}]}, True),
        ({"initContainers": [{"name": "istio-proxy", "restartPolicy": "Always"}]}, True),
        ({"initContainers": [{"name": "istio-init"}]}, False),
    ],
)
def test_a_sidecar_is_beside_the_containers_or_before_them(spec: dict[str, Any], sidecar: bool) -> None:
    assert read(**spec).sidecar == sidecar


@pytest.mark.parametrize(("spec", "account"), [({}, "default"), ({"serviceAccountName": "web"}, "web")])
def test_a_pod_has_a_service_account(spec: dict[str, Any], account: str) -> None:
    assert read(**spec).service_account == account


@pytest.mark.parametrize(
    ("metadata", "spec", "why"),
    [
        ({}, {}, None),
        ({}, {"hostNetwork": True}, "it is in its node's network, where Istio injects none: remove hostNetwork"),
        ({"labels": {INJECT: "false"}}, {}, f"its label {INJECT} is false: remove it"),
        ({"annotations": {INJECT: "false"}}, {}, f"its annotation {INJECT} is false: remove it"),
        ({"labels": {INJECT: "true"}}, {}, None),
    ],
)
def test_a_pod_that_injection_passes_over_says_why(
    metadata: dict[str, Any], spec: dict[str, Any], why: str | None
) -> None:
    assert read(metadata, **spec).never_injected == why


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ([endpoint("a"), endpoint("b", ready=True)], {"a", "b"}),
        ([endpoint("a", ready=True), endpoint("b", ready=False)], {"a"}),
        ([endpoint("a", ready=True), endpoint("b", ready=False, serving=True, terminating=True)], {"a"}),
        ([endpoint("a", ready=False), endpoint("b", ready=False, terminating=True)], {"a"}),
        ([endpoint("a", ready=False), endpoint("b", ready=False)], {"a", "b"}),
        ([{"addresses": ["10.0.0.1"]}], set()),
    ],
)
def test_pods_that_are_ready_answer_or_all_that_stay(endpoints: list[dict[str, Any]], expected: set[str]) -> None:
    assert answering([{"endpoints": endpoints}]) == expected


TRAFFIC = "traffic.sidecar.istio.io"


@pytest.mark.parametrize(
    ("annotations", "around"),
    [
        ({}, None),
        ({f"{TRAFFIC}/excludeInboundPorts": "9090, 8080"}, f"{TRAFFIC}/excludeInboundPorts"),
        ({f"{TRAFFIC}/excludeInboundPorts": "80,18080"}, None),
        ({f"{TRAFFIC}/excludeInboundPorts": ""}, None),
        ({f"{TRAFFIC}/includeInboundPorts": "*"}, None),
        ({f"{TRAFFIC}/includeInboundPorts": "8080"}, None),
        ({f"{TRAFFIC}/includeInboundPorts": "9090"}, f"{TRAFFIC}/includeInboundPorts"),
        ({f"{TRAFFIC}/includeInboundPorts": ""}, f"{TRAFFIC}/includeInboundPorts"),
        ({f"{TRAFFIC}/excludeOutboundPorts": "8080"}, None),
    ],
)
def test_a_port_is_around_the_sidecar_by_annotation(annotations: dict[str, str], around: str | None) -> None:
    assert read({"annotations": annotations}).around_sidecar(8080) == around
