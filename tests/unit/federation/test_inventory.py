"""What is read from a cluster, from an API server of the test's own."""

import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

import pytest
from api_server import kubeconfig, serving

from components.federation.cluster_objects import LABELS, NAMED
from components.federation.inventory import Inventory, SilentClusterError, UnreadableClusterError, read
from components.federation.pods import Pod
from components.federation.policies import Policy
from multimesh.rules import Rule

ISTIO = "/apis/networking.istio.io/v1"
SHOP = "namespaces/shop"
GATEWAY_API = "/apis/gateway.networking.k8s.io"


def named(name: str, namespace: str = "shop", **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, **fields}


def slice_of(service: str, *pods: str) -> dict[str, Any]:
    endpoints = [{"targetRef": {"kind": "Pod", "name": pod}} for pod in pods]
    labels = {"kubernetes.io/service-name": service}
    return {"metadata": {"name": f"{service}-x", "namespace": "shop", "labels": labels}, "endpoints": endpoints}


LISTS: dict[str, list[dict[str, Any]]] = {
    f"/api/v1/{SHOP}/services": [named("web", spec={"selector": {"app": "web"}})],
    f"/apis/discovery.k8s.io/v1/{SHOP}/endpointslices": [slice_of("web", "web-1"), slice_of("web", "web-2")],
    f"/api/v1/{SHOP}/pods": [named("web-1", spec={"containers": [{"name": "app"}], "serviceAccountName": "web"})],
    f"{ISTIO}/virtualservices": [
        named("canary", spec={"hosts": ["web"]}),
        named("entry", spec={"hosts": ["shop.example"], "gateways": ["shop/entry"]}),
    ],
    f"{ISTIO}/destinationrules": [named("sticky", spec={"host": "web", "trafficPolicy": {"tls": {}}})],
    f"{ISTIO}/serviceentries": [named("out", spec={"hosts": ["api.example"]})],
    f"{GATEWAY_API}/v1/httproutes": [named("split", spec={"parentRefs": [{"kind": "Service", "name": "web"}]})],
    f"{GATEWAY_API}/v1alpha2/httproutes": [named("not asked", spec={"parentRefs": [{"kind": "Service", "name": "a"}]})],
    f"{GATEWAY_API}/v1alpha2/tcproutes": [named("db", spec={"parentRefs": [{"kind": "Service", "name": "db"}]})],
}
DISCOVERY: dict[str, Any] = {
    GATEWAY_API: {"versions": [{"version": "v1"}, {"version": "v1alpha2"}]},
    f"{GATEWAY_API}/v1": {
        "resources": [
            {"kind": "HTTPRoute", "name": "httproutes"},
            {"kind": "HTTPRoute", "name": "httproutes/status"},
            {"kind": "Gateway", "name": "gateways"},
        ]
    },
    f"{GATEWAY_API}/v1alpha2": {
        "resources": [{"kind": "HTTPRoute", "name": "httproutes"}, {"kind": "TCPRoute", "name": "tcproutes"}]
    },
}


def _selected(items: list[dict[str, Any]], query: str) -> list[dict[str, Any]]:
    """Return the items that a selector by one label's absence leaves, as a list has it in its query."""
    if not (asked := re.fullmatch(r"labelSelector=([^!]+)!=(.+)", unquote(query))):
        return items
    return [one for one in items if (one["metadata"].get("labels") or {}).get(asked[1]) != asked[2]]


@contextmanager
def cluster(lists: dict[str, list[dict[str, Any]]], status: int = 200, hidden: Collection[str] = ()) -> Iterator[str]:
    """Yield the kubeconfig of a cluster with these lists and Gateway API; it refuses the hidden, knows no others."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            answers = {path: {"items": _selected(items, query)} for path, items in lists.items()} | DISCOVERY
            known = self.headers.get("Authorization") == "Bearer known" and path in answers
            answer = answers.get(path, {})
            if "items" in answer and "PartialObjectMetadataList" in self.headers["Accept"]:
                answer = {"items": [{"metadata": one["metadata"]} for one in answer["items"]]}
            self.send_response(403 if path in hidden else status if known else 404)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serving(Handler) as address:
        yield kubeconfig(f"http://{address}", {"token": "known"})


@pytest.fixture(scope="module")
def found() -> Inventory:
    with cluster(LISTS) as text:
        return read(text, ["shop", "shop"])


def test_services_are_found_by_namespace_and_name(found: Inventory) -> None:
    assert found.services == {("shop", "web"): {"selector": {"app": "web"}}}


def test_all_endpoint_slices_of_a_service_are_found(found: Inventory) -> None:
    assert len(found.slices["shop", "web"]) == 2


def test_pods_are_found_by_namespace_and_name(found: Inventory) -> None:
    assert found.pods == {("shop", "web-1"): Pod("web", sidecar=False)}


def test_what_decides_for_sidecars_is_found_in_every_list_that_there_is(found: Inventory) -> None:
    assert found.rules == [
        Rule("VirtualService", "shop", "canary", ["web.shop.svc.cluster.local"]),
        Rule("DestinationRule", "shop", "sticky", ["web.shop.svc.cluster.local"]),
        Rule("ServiceEntry", "shop", "out", ["api.example"]),
        Rule("HTTPRoute", "shop", "split", ["web.shop.svc.cluster.local"]),
        Rule("TCPRoute", "shop", "db", ["db.shop.svc.cluster.local"]),
    ]


def own(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    made = named(name, **fields)
    made["metadata"] |= {"labels": LABELS, "annotations": {NAMED: f"{kind} shop/{name}"}}
    return made


def test_the_programs_own_objects_are_not_read_among_those_of_others() -> None:
    kept = {"labels": LABELS, "annotations": {NAMED: "DestinationRule shop/mine"}}
    copy = {"metadata": {"name": "copy", "namespace": "shop", **kept}, "spec": {"host": "web"}}
    lists = {
        f"{ISTIO}/virtualservices": [own("VirtualService", "mine", spec={"hosts": ["web"]})],
        f"{ISTIO}/destinationrules": [own("DestinationRule", "mine", spec={"host": "web"}), copy],
        f"{ISTIO}/serviceentries": [own("ServiceEntry", "mine"), named("out", spec={"hosts": ["api.example"]})],
    }
    with cluster(lists) as text:
        assert [str(one) for one in read(text, ["shop"]).rules] == [
            "DestinationRule shop/copy",
            "ServiceEntry shop/out",
        ]


def test_what_decides_whom_sidecars_admit_is_found_and_who_sees_a_service() -> None:
    hidden = named("web", spec={})
    hidden["metadata"]["annotations"] = {"networking.istio.io/exportTo": "."}
    off = {"mtls": {"mode": "DISABLE"}}
    lists = {
        f"/api/v1/{SHOP}/services": [hidden, named("api", spec={})],
        "/apis/security.istio.io/v1/peerauthentications": [named("off", spec=off)],
        "/apis/security.istio.io/v1/authorizationpolicies": [named("locked")],
        f"{ISTIO}/sidecars": [named("default")],
    }
    with cluster(lists) as text:
        made = read(text, ["shop"])
    assert made.visible == {("shop", "web"): "."}
    assert made.policies == [
        Policy("AuthorizationPolicy", "shop", "locked"),
        Policy("PeerAuthentication", "shop", "off", off),
        Policy("Sidecar", "shop", "default"),
    ]


def test_the_pod_security_levels_of_the_services_namespaces_are_found() -> None:
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespaces = [{"metadata": {"name": name, "labels": level}} for name in ("shop", "billing")]
    with cluster(LISTS | {"/api/v1/namespaces": namespaces}) as text:
        assert read(text, ["shop"]).levels == {"shop": "restricted"}


def test_levels_that_may_not_be_read_are_not_known() -> None:
    with cluster(LISTS, hidden={"/api/v1/namespaces"}) as text:
        assert read(text, ["shop"]).levels == {}


def test_a_cluster_without_istio_has_no_rules() -> None:
    with cluster({path: items for path, items in LISTS.items() if "/apis/" not in path or "discovery" in path}) as text:
        assert read(text, ["shop"]).rules == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_cluster_that_refuses_says_which_right_is_needed(status: int) -> None:
    refused = rf"answers {status} .*: the kubeconfig's user needs the right to list /api/v1/namespaces/shop/services"
    with cluster(LISTS, status=status) as text, pytest.raises(UnreadableClusterError, match=refused) as caught:
        read(text, ["shop"])
    assert not isinstance(caught.value, SilentClusterError)


def test_a_cluster_that_is_not_ready_is_as_one_that_does_not_answer() -> None:
    with cluster(LISTS, status=503) as text, pytest.raises(SilentClusterError, match="answers 503"):
        read(text, ["shop"])


def test_a_cluster_that_is_gone_is_unreadable() -> None:
    with cluster(LISTS) as text:
        pass
    with pytest.raises(SilentClusterError, match="its API server does not answer"):
        read(text, ["shop"])


def test_a_kubeconfig_that_cannot_be_used_is_unreadable() -> None:
    with pytest.raises(UnreadableClusterError, match="its kubeconfig"):
        read("{}", ["shop"])
