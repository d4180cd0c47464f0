"""Which namespaces a webhook selects, as Kubernetes reads its selector."""

from typing import Any

import pytest

from multimesh.check.injectors import selects

CANARY = {
    "matchExpressions": [
        {"key": "istio.io/rev", "operator": "In", "values": ["canary"]},
        {"key": "istio-injection", "operator": "DoesNotExist"},
    ]
}


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        ({}, {}, True),
        (CANARY, {"istio.io/rev": "canary"}, True),
        (CANARY, {"istio.io/rev": "other"}, False),
        (CANARY, {}, False),
        (CANARY, {"istio.io/rev": "canary", "istio-injection": "disabled"}, False),
        ({"matchLabels": {"a": "b"}}, {"a": "b", "c": "d"}, True),
        ({"matchLabels": {"a": "b"}}, {"c": "d"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": ""}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}, {}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}, {"a": "b"}, False),
    ],
)
def test_a_selector_is_read_as_kubernetes_reads_it(
    selector: dict[str, Any], labels: dict[str, str], selected: bool
) -> None:
    assert selects(selector, labels) is selected
