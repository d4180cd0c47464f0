"""A mesh that changes its trust domain: in three updates, none of which a workload notices."""

import json
import re
from typing import Any
from unittest.mock import Mock, patch

import pytest
from certificates import PEM
from peer_stacks import EXPORT
from recording import Recording, record

from components.federation.proxies import UnreadableProxiesError, by_trust_domain
from components.mesh.roles import JOINED
from components.settings import SettingsError

LOCAL = {"cluster": {"kind": "local"}}
ECHO = {"name": "echo", "namespace": "demo", "port": 80, "ingress_hosts": ["*"], "service_account": "echo"}
OLD, NEW = "east.mesh", "shop.example"
REPLICA_SET = [{"kind": "ReplicaSet", "name": "web-5d8f"}]


def before(*trust_domains: str) -> dict[str, Any]:
    """The outputs of the last update, in which east had this trust domain and these aliases."""
    domain, *aliases = trust_domains
    mesh = {
        "trust_domain": domain,
        "trust_domain_aliases": aliases,
        "exports": {"echo.demo.global": EXPORT | {"ports": {}}},
    }
    root = {"root_ca": PEM, "root_ca_owner": "organization/multimesh/test"}
    return {"meshes": {"east": mesh}, "one_mesh": False, "kubeconfigs": {"east": "of east"}, **root}


def run(
    *now: str, had: dict[str, Any], used: dict[str, list[str]] | Exception | None = None, **given: Any
) -> Recording:
    domain, *aliases = now
    east = LOCAL | {"trust_domain": domain, "trust_domain_aliases": aliases}
    config = {"meshes": {"east": east, "west": LOCAL}, "services": [ECHO], **given}
    answer = Mock(side_effect=[used if isinstance(used, Exception) else used or {}])
    with patch("components.federation.trust_domain_change.proxies", answer):
        return record(config, stacks={"test": had})


def refused(*now: str, had: dict[str, Any], **given: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        run(*now, had=had, **given)
    return [line.removeprefix("  multimesh:meshes.east.") for line in str(caught.value).splitlines()[1:]]


def test_a_trust_domain_that_no_mesh_accepts_yet_is_refused_with_the_way_to_it() -> None:
    assert refused(NEW, had=before(OLD)) == [
        f"trust_domain: '{NEW}': no mesh accepts it yet, so requests would fail. Restore {OLD}, set "
        f"trust_domain_aliases: [{NEW}] beside it and run `pulumi up`; then change it",
        f"trust_domain: '{NEW}': workloads are of {OLD} until they restart: set trust_domain_aliases: [{OLD}]",
    ]


def test_the_former_one_must_stay_an_alias() -> None:
    [line] = refused(NEW, had=before(OLD, NEW))
    assert line.endswith(f"workloads are of {OLD} until they restart: set trust_domain_aliases: [{OLD}]")


def test_both_are_admitted_by_every_mesh_while_one_is_an_alias() -> None:
    recording = run(NEW, OLD, had=before(OLD, NEW))
    both = [f"{OLD}/*", f"{NEW}/*"]
    east, west = recording.istio_objects("east"), recording.istio_objects("west")
    own = f"spiffe://{OLD}/", f"spiffe://{NEW}/"
    foreign = json.dumps(east["EnvoyFilter istio-system/foreign-identities"])
    assert re.findall(r'"prefix": "([^"]*)"', foreign) == [*own]
    [rule] = east["AuthorizationPolicy istio-system/gateway-ports"]["rules"]
    assert rule["from"][0]["source"]["notPrincipals"] == both
    [rule] = west["AuthorizationPolicy demo/echo.demo.global.others"]["rules"]
    assert rule["from"][0]["source"]["notPrincipals"] == [*both, "west.mesh/*"]
    identities = west["ServiceEntry istio-system/echo.demo.global"]["subjectAltNames"]
    assert {f"spiffe://{domain}/ns/demo/sa/echo" for domain in (OLD, NEW, "west.mesh")} == set(identities)
    mesh_config = recording["west-istiod"].inputs["values"]["meshConfig"]
    assert mesh_config["caCertificates"][0]["trustDomains"] == sorted([NEW, OLD])
    assert "trustDomainAliases" not in mesh_config, "a peer's trust domain is no alias"
    assert recording["east-istiod"].inputs["values"]["meshConfig"]["trustDomainAliases"] == [OLD]
    assert recording.outputs["accepted_trust_domains"] == [OLD, NEW, "west.mesh"]


def test_nothing_changes_in_other_meshes_when_workloads_get_the_new_one() -> None:
    accepted, moved = run(OLD, NEW, had=before(OLD)), run(NEW, OLD, had=before(OLD, NEW))
    assert moved.istio_objects("west") == accepted.istio_objects("west")
    assert moved["west-istiod"].inputs == accepted["west-istiod"].inputs


def test_the_ca_may_sign_for_both_while_one_is_an_alias() -> None:
    inputs = run(OLD, NEW, had=before(OLD))["east-certificate"].inputs
    assert (inputs["trust_domain"], inputs["trust_domain_aliases"]) == (OLD, [NEW])
    assert "trust_domain_aliases" not in run(OLD, had=before(OLD))["east-certificate"].inputs


def test_an_alias_that_workloads_have_cannot_be_removed() -> None:
    used = {OLD: ["shop/deployment/web", "shop/statefulset/db", "x/pod/y"]}
    assert refused(NEW, had=before(NEW, OLD), used=used) == [
        f"trust_domain_aliases: {OLD} cannot be removed: workloads have it. Restart them: `kubectl rollout restart -n "
        "shop deployment/web statefulset/db`, `kubectl rollout restart -n x pod/y`"
    ]


def test_what_to_restart_is_said_while_there_is_an_alias() -> None:
    said = list[str]()
    with patch("pulumi.log.info", said.append):
        run(NEW, OLD, had=before(OLD, NEW), used={OLD: ["shop/deployment/web"]})
        run(OLD, NEW, had=before(OLD))
    path = "multimesh:meshes.east.trust_domain_aliases: "
    assert [line.removeprefix(path) for line in said if line.startswith(path)] == [
        f"workloads have {OLD}: after this update, restart them: `kubectl rollout restart -n shop deployment/web`",
        f"no workload has {NEW}: after this update, make it the trust_domain, or remove it",
    ]


def test_an_alias_that_nothing_has_can_be_removed() -> None:
    assert run(NEW, had=before(NEW, OLD)).outputs["accepted_trust_domains"] == [NEW, "west.mesh"]


def test_an_alias_stays_while_the_cluster_does_not_tell_who_has_it() -> None:
    [line] = refused(NEW, had=before(NEW, OLD), used=UnreadableProxiesError("it is silent"))
    assert line == (
        f"trust_domain_aliases: which workloads have {OLD} is not known: it is silent. Restore it until the cluster "
        "tells"
    )


def test_a_peer_that_does_not_accept_it_yet_is_named() -> None:
    peer = {
        "meshes": {"north": {"gateway_address": "10.9.0.2", "gateway_port": 1, "trust_domain": "n", "exports": {}}},
        "root_ca": PEM,
        "suffix": "global",
    }
    config = {
        "meshes": {"east": LOCAL | {"trust_domain": NEW, "trust_domain_aliases": [OLD]}},
        "peers": ["north"],
    }
    had = before(OLD, NEW)
    with patch("components.federation.trust_domain_change.proxies", return_value={}):
        with pytest.raises(SettingsError, match="stack north does not accept it yet: run `pulumi up` there first"):
            record(config, stacks={"test": had, "north": peer})
        accepting = peer | {"accepted_trust_domains": ["n", OLD, NEW]}
        assert record(config, stacks={"test": had, "north": accepting}).outputs["meshes"]


def test_the_stack_that_issues_a_ca_asks_for_the_same_order() -> None:
    config = {"meshes": {}, "trust": {"issues": {"east": {"trust_domain": NEW}}}}
    with pytest.raises(SettingsError, match=r"trust\.issues\.east\.trust_domain: .* no mesh accepts it yet"):
        record(config, stacks={"test": {"certificates": {"east": {"trust_domain": OLD}}}})


def test_another_topology_may_change_it_at_once() -> None:
    config = {"meshes": {"east": LOCAL, "west": LOCAL}, "topology": {"kind": "single-mesh", "network": "flat"}}
    assert record(config, stacks={"test": before(OLD)}).outputs["one_mesh"]


def proxy(value: str, **metadata: Any) -> dict[str, Any]:
    container = {"name": "istio-proxy", "env": [{"name": "POD_NAME"}, {"name": "TRUST_DOMAIN", "value": value}]}
    return {"metadata": {"name": "p", "namespace": "shop", **metadata}, "spec": {"containers": [container]}}


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        (proxy(OLD), "shop/pod/p"),
        (proxy(OLD, labels={"pod-template-hash": "5d8f"}, ownerReferences=REPLICA_SET), "shop/deployment/web"),
        (proxy(OLD, ownerReferences=[{"kind": "StatefulSet", "name": "db"}]), "shop/statefulset/db"),
    ],
)
def test_a_workload_is_named_as_kubectl_takes_it(pod: dict[str, Any], workload: str) -> None:
    assert by_trust_domain([pod, pod]) == {OLD: [workload]}


@pytest.mark.parametrize(
    "pod",
    [
        proxy(OLD) | {"status": {"phase": "Succeeded"}},
        proxy(OLD, annotations={JOINED: "east.mesh//east"}),
        {"metadata": {"name": "p", "namespace": "shop"}, "spec": {"containers": [{"name": "app"}]}},
    ],
    ids=["ended", "restarted by the update", "without a proxy"],
)
def test_pods_that_need_no_restart_are_left_out(pod: dict[str, Any]) -> None:
    assert by_trust_domain([pod]) == {}


def test_a_proxy_that_is_a_native_sidecar_counts() -> None:
    pod = proxy(OLD)
    pod["spec"] = {"containers": [], "initContainers": pod["spec"]["containers"]}
    assert by_trust_domain([pod]) == {OLD: ["shop/pod/p"]}
