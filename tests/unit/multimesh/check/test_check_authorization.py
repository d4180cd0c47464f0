"""AuthorizationPolicies, decided as Istio does."""

from typing import Any

import pytest
from sound import thing

from multimesh.check.authorization import Caller, decide

WEB = Caller("west.mesh", "shop", "web")
POD = thing("Pod", "shop", "orders-1", metadata={"labels": {"app": "orders"}})


def policy(action: str, rules: list[Any], namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    return thing("AuthorizationPolicy", namespace, action.lower(), spec={"action": action, "rules": rules, **spec})


def source(**fields: list[str]) -> dict[str, Any]:
    return {"from": [{"source": fields}]}


def operation(**fields: list[str]) -> dict[str, Any]:
    return {"to": [{"operation": fields}]}


ALLOW_WEB = policy("ALLOW", [source(principals=["west.mesh/ns/shop/sa/web"])])
WHEN = {"when": [{"key": "request.headers[x]", "values": ["1"]}]}


@pytest.mark.parametrize(
    ("policies", "admitted"),
    [
        ([], True),
        ([ALLOW_WEB], True),
        ([policy("ALLOW", [])], False),
        ([policy("ALLOW", [{}])], True),
        ([policy("DENY", [])], True),
        ([policy("DENY", [{}]), ALLOW_WEB], False),
        ([policy("ALLOW", [source(principals=["east.mesh/*"])])], False),
        ([policy("ALLOW", [source(principals=["*/sa/web"])])], True),
        ([policy("ALLOW", [source(namespaces=["shop"])])], True),
        ([policy("ALLOW", [source(serviceAccounts=["shop/web"])])], True),
        ([policy("ALLOW", [source(principals=["*"]) | operation(ports=["8081"])])], False),
        ([policy("DENY", [source(notPrincipals=["west.mesh/*"])])], True),
        ([policy("DENY", [source(notPrincipals=["east.mesh/*"])])], False),
        ([policy("DENY", [operation(notPorts=["8080"])])], True),
        ([policy("DENY", [{}], namespace="istio-system")], False),
        ([policy("DENY", [{}], namespace="other")], True),
        ([policy("DENY", [{}], selector={"matchLabels": {"app": "web"}})], True),
        ([policy("DENY", [{}], targetRefs=[{"kind": "Gateway"}])], True),
        ([policy("DENY", [operation(paths=["/admin"])])], None),
        ([policy("DENY", [source(principals=["east.mesh/*"]) | operation(paths=["/admin"])])], True),
        ([policy("ALLOW", [WHEN])], None),
        ([policy("ALLOW", [WHEN]), ALLOW_WEB], True),
        ([policy("CUSTOM", [{}]), ALLOW_WEB], None),
    ],
)
def test_policies_decide_as_istio_does(policies: list[Any], admitted: bool | None) -> None:
    assert decide(policies, POD, 8080, WEB).admitted is admitted


def test_the_policy_that_decides_is_named() -> None:
    assert decide([ALLOW_WEB, policy("DENY", [{}])], POD, 8080, WEB).by == ["shop/deny"]
