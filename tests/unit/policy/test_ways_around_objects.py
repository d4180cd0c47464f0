"""Ways around the rules about Kubernetes objects and keys: each is refused, and what looks like it is not."""

import base64
import json
from typing import Any

import pulumi
import pytest
from policy_pack import violations
from pulumi_policy import Secret
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

GATEWAY = "kubernetes:networking.istio.io/v1:Gateway"
API_GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
RELEASE = "kubernetes:helm.sh/v3:Release"
MTLS = "kubernetes:security.istio.io/v1:PeerAuthentication"
POLICY = "kubernetes:security.istio.io/v1:AuthorizationPolicy"
KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIGxzcW1kZnFtc2xkZmttcWxz\n-----END EC PRIVATE KEY-----\n"
KUBECONFIG = "apiVersion: v1\nclusters: []\nkind: Config\n"
SERVICES = "pulumi-python:dynamic/multimesh:ServiceObjects"
PEERS, CLEAR = "exact-peer-hosts", "confidential-keys"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def server(*hosts: str, **given: Any) -> dict[str, Any]:
    return {"port": {"number": 15443}, "tls": {"mode": "AUTO_PASSTHROUGH"}, "hosts": list(hosts), **given}


def listener(**given: Any) -> dict[str, Any]:
    return {"spec": {"listeners": [{"name": "peers", "port": 15443, "protocol": "TLS", **given}]}}


def allow(*rules: Any) -> dict[str, Any]:
    return {"spec": {"rules": list(rules)}}


USED_AS_MANIFEST = (
    f"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nspec: {json.dumps({'mtls': {'mode': 'DISABLE'}})}"
)
SOURCE = {"source": {"principals": ["east/ns/demo/sa/shop"]}}

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    # Gateways for peers, whatever makes them
    (
        f"{GATEWAY}Patch",
        {"spec": {"servers": [server("*")]}},
        f"{PEERS}: spec.servers[0].hosts: must list the exported hosts one by one, has '*'",
    ),
    (
        RELEASE,
        {"values": {"gateways": [{"servers": [server("*.local")]}]}},
        f"{PEERS}: values.gateways[0].servers[0].hosts: must list",
    ),
    (
        RELEASE,
        {"values": {"port": {"servers": [server("*", tls=None, port={"number": "15443"})]}}},
        f"{PEERS}: values.port.servers[0].hosts: must list",
    ),
    (
        RELEASE,
        {"values": {"extra": json.dumps({"kind": "Gateway", "spec": {"servers": [server("*")]}})}},
        f"{PEERS}: values.extra.spec.servers[0].hosts: must list",
    ),
    (API_GATEWAY, listener(), f"{PEERS}: spec.listeners[0].hostname: must list the exported hosts one by one, has '*'"),
    (
        API_GATEWAY,
        listener(hostname="*.demo"),
        f"{PEERS}: spec.listeners[0].hostname: must list the exported hosts one by one, has '*.demo'",
    ),
    (
        API_GATEWAY,
        listener(port=443, tls={"options": {"gateway.istio.io/listener-protocol": "auto-passthrough"}}),
        f"{PEERS}: spec.listeners[0].hostname: must list the exported hosts one by one, has '*'",
    ),
    # Istio's policies
    (MTLS, {"spec": {"mtls": {"mode": "DISABLE"}}}, "mutual-tls: spec.mtls.mode: must not be DISABLE"),
    (
        f"{MTLS}Patch",
        {"spec": {"portLevelMtls": {"80": {"mode": "DISABLE"}}}},
        "mutual-tls: spec.portLevelMtls.80.mode: must not be DISABLE",
    ),
    (
        RELEASE,
        {"values": {"manifests": [USED_AS_MANIFEST]}},
        "mutual-tls: values.manifests[0].spec.mtls.mode: must not be DISABLE",
    ),
    (POLICY, allow({}), "no-open-authorization: spec.rules[0]: must say who or what it allows"),
    (
        POLICY,
        allow({"from": [SOURCE]}, {"from": [{"source": {"principals": ["*"]}}]}),
        "no-open-authorization: spec.rules[1]: must say",
    ),
    (
        POLICY,
        allow({"from": [SOURCE, {"source": {}}], "to": [{"operation": {"paths": ["*"]}}]}),
        "no-open-authorization: spec.rules[0]: must say",
    ),
    (POLICY.replace("/v1:", "/v1beta1:"), allow(None), "no-open-authorization: spec.rules[0]: must say"),
    # Keys and kubeconfigs, deeper and in other clothes
    ("kubernetes:core/v1:Secret", {"stringData": {"tls.key": KEY}}, f"{CLEAR}: stringData.tls.key: must be a secret"),
    ("kubernetes:core/v1:Secret", {"data": {"a": encoded(KEY)}}, f"{CLEAR}: data.a: must be a secret"),
    ("kubernetes:core/v1:Secret", {"data": {"a": encoded(encoded(KEY))}}, f"{CLEAR}: data.a: must be a secret"),
    (
        "kubernetes:core/v1:ConfigMap",
        {"data": {"a": f"value={encoded(KUBECONFIG)}"}},
        f"{CLEAR}: data.a: must be a secret",
    ),
    (
        "any:index:Thing",
        {"a": {"b": [{"c": Secret("x")}, {"kubeconfig": "y"}]}},
        f"{CLEAR}: a.b[1].kubeconfig: must be a secret",
    ),
    ("any:index:Thing", {"a": f"path/{base64.encodebytes(KEY.encode()).decode()}"}, f"{CLEAR}: a: must be a secret"),
    ("any:index:Thing", {"a": pulumi.StringAsset(KEY)}, f"{CLEAR}: a: must be a secret"),
    ("any:index:Thing", {"a": pulumi.AssetArchive({"b": pulumi.StringAsset(KEY)})}, f"{CLEAR}: a.b: must be a secret"),
]

REFUSED += [
    (
        SERVICES,
        {"objects": {"Gateway istio-system/peers": json.dumps({"servers": [server("*")]})}},
        f"{PEERS}: objects.Gateway istio-system/peers.servers[0].hosts: must list the exported hosts one by one",
    ),
    (
        SERVICES,
        {"objects": {"AuthorizationPolicy demo/all": json.dumps({"action": "ALLOW", "rules": [{}]})}},
        "no-open-authorization: objects.AuthorizationPolicy demo/all: spec.rules[0]: must say who or what it allows",
    ),
    (
        SERVICES,
        {"objects": {"PeerAuthentication demo/plain": json.dumps({"mtls": {"mode": "DISABLE"}})}},
        "mutual-tls: objects.PeerAuthentication demo/plain: spec.mtls.mode: must not be DISABLE",
    ),
]

TAKEN: list[tuple[str, dict[str, Any]]] = [
    (
        RELEASE,
        {
            "values": {
                "servers": [server("echo.demo.svc.cluster.local")],
                "ports": [{"name": "tls", "port": 15443, "protocol": "TCP"}],
            }
        },
    ),
    (API_GATEWAY, listener(hostname="echo.demo.svc.cluster.local")),
    (API_GATEWAY, listener(port=80, protocol="HTTP")),
    (MTLS, {"spec": {"mtls": {"mode": "STRICT"}, "portLevelMtls": {"80": {"mode": "PERMISSIVE"}}}}),
    (POLICY, allow({"from": [SOURCE]}, {"to": [{"operation": {"ports": ["80"]}}]}, {"when": [{"key": "a"}]})),
    (POLICY, {"spec": {"action": "DENY", "rules": [{}]}}),
    (POLICY, {"spec": {}}),
    ("kubernetes:core/v1:Secret", {"stringData": {"tls.key": Secret(KEY)}, "data": Secret({"a": encoded(KEY)})}),
    ("any:index:Thing", {"a": encoded("not a key, only a rather long text of nothing in particular"), "b": "x" * 500}),
]


@pytest.mark.parametrize(("type", "inputs", "message"), REFUSED, ids=[message[:90] for _, _, message in REFUSED])
def test_a_way_around_a_rule_about_objects_or_keys_is_refused(type: str, inputs: dict, message: str) -> None:
    said = violations(type, inputs)
    assert any(one.startswith(message) for one in said), said


@pytest.mark.parametrize(("type", "inputs"), TAKEN, ids=[f"{type} {number}" for number, (type, _) in enumerate(TAKEN)])
def test_what_looks_like_a_way_around_with_objects_or_keys_is_let_through(type: str, inputs: dict) -> None:
    assert violations(type, inputs) == []


def test_what_is_not_known_in_a_preview_hides_nothing_beside_it() -> None:
    said = violations(
        f"{GATEWAY}Patch", {"metadata": {"name": UNKNOWN_STRING_VALUE}, "spec": {"servers": [server("*")]}}
    )
    assert len(said) == 1
