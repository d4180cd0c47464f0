"""The whole program under Pulumi's mocks: what it registers, in which order, and what of it is secret."""

from typing import Any

import pytest
from recording import Recording, record, recorded

from multimesh.control_plane import INSTALLED

LOCAL = {"cluster": {"kind": "local"}}
ECHO = {"name": "echo", "namespace": "demo", "port": 80, "ingress_hosts": ["*"], "service_account": "echo"}
WEB = {"name": "web", "namespace": "shop", "port": 8080}
HTTP = {"name": "http", "port": 80}
WEB_SERVICE = {"spec": {"clusterIP": "10.0.0.9", "selector": {"app": "web"}, "ports": [{"name": "http", "port": 8080}]}}


def config(*meshes: str, services: list[dict[str, Any]] | None = None, **others: Any) -> dict[str, Any]:
    return {"meshes": dict.fromkeys(meshes, LOCAL), "services": [ECHO] if services is None else services, **others}


def test_every_resource_has_a_component_as_its_parent() -> None:
    recording = recorded(config("east", "west"))
    for resource in recording.resources.values():
        parent_type = resource.parent.split("::")[2].rpartition("$")[2]
        if resource.type.startswith("multimesh:index:"):
            assert parent_type == "pulumi:pulumi:Stack", f"{resource.name}: components stand side by side"
        else:
            assert parent_type.startswith("multimesh:index:"), f"{resource.name} has no component as parent"


def test_names_are_unique_as_urns() -> None:
    meshes = ("east", "west", "root", "east-echo", "demo-east")
    clash = [ECHO, ECHO | {"namespace": "demo-east", "ingress_hosts": []}]
    services = {"demo-east/echo": {"spec": {"clusterIP": "10.0.0.8", "selector": {"a": "b"}, "ports": [HTTP]}}}
    recording = recorded(config(*meshes, services=clash), services)
    assert len({resource.urn for resource in recording.resources.values()}) == len(recording.resources)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("east-lab", "east-cacerts"),
        ("east-istio-system", "east-cacerts"),
        ("east-cacerts", "east-istiod"),
        ("east-base", "east-istiod"),
        ("east-istiod", "east-gateway"),
        ("east-istiod", "east-strict"),
        ("east-istiod", "east-echo-deployment"),
        ("east-istiod", "east-services"),
        ("east-echo-service", "east-services"),
        ("root-certificate", "east-certificate"),
    ],
)
def test_what_is_needed_comes_first(earlier: str, later: str) -> None:
    assert earlier in recorded(config("east", "west")).after(later)


def test_namespaces_say_how_privileged_their_pods_may_be() -> None:
    namespaces = recorded(config("east", services=[ECHO, WEB]), {"shop/web": WEB_SERVICE}).of(":Namespace")
    enforced = {
        found.inputs["metadata"]["name"]: found.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for found in namespaces
    }
    assert enforced == {"istio-system": "baseline", "demo": "privileged"}, "of other namespaces none is made or changed"


def test_a_pod_of_the_sample_that_is_replaced_goes_on_answering_until_its_callers_know() -> None:
    spec = recorded(config("east"))["east-echo-deployment"].inputs["spec"]["template"]["spec"]
    [container] = spec["containers"]
    [port] = container["ports"]
    command = container["lifecycle"]["preStop"]["exec"]["command"]
    assert command == ["/usr/local/bin/client", f"http://127.0.0.1:{port['containerPort']}/?delay=3s"]


def test_the_sample_asks_for_no_more_than_the_restricted_level_allows() -> None:
    spec = recorded(config("east"))["east-echo-deployment"].inputs["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


@pytest.mark.parametrize("later", ["east-cacerts", "east-istiod", "east-gateway", "east-echo-deployment"])
def test_a_mesh_waits_for_no_peer(later: str) -> None:
    assert not [name for name in recorded(config("east", "west")).after(later) if "west" in name]


def test_the_sample_waits_for_the_control_plane_and_not_for_the_gateway() -> None:
    assert "east-gateway" not in recorded(config("east", "west")).after("east-echo-deployment")


@pytest.mark.parametrize(
    ("resource", "secret"),
    [
        ("east-kubernetes", "kubeconfig"),
        ("east-cacerts", "stringData"),
        ("east-request", "privateKeyPem"),
        ("east-certificate", "root_key_pem"),
        ("root-certificate", "privateKeyPem"),
    ],
)
def test_keys_and_kubeconfigs_are_secret(resource: str, secret: str) -> None:
    assert secret in recorded(config("east"))[resource].secrets


def test_no_key_and_no_kubeconfig_is_in_the_clear() -> None:
    for resource in recorded(config("east", "west")).resources.values():
        clear = {name: value for name, value in resource.inputs.items() if name not in resource.secrets}
        assert "key of " not in str(clear), f"{resource.name} shows a key"
        assert "kubeconfig of " not in str(clear), f"{resource.name} shows a kubeconfig"


def test_outputs_keep_their_contract() -> None:
    recording = recorded(config("east", "west"))
    assert recording.outputs.keys() == {
        "meshes",
        "suffix",
        "accepted_trust_domains",
        "root_ca",
        "root_cas",
        "revocation_lists",
        "root_revocation_lists",
        "root_ca_fingerprint",
        "root_ca_expires",
        "root_ca_owner",
        "services",
        "probes",
        "preferences",
        "exposure",
        "one_mesh",
        "topology",
        "peers",
        "kubeconfigs",
    }
    assert recording.outputs["meshes"]["east"] == {
        "ingress_url": "http://east-lab.address:30080",
        "gateway_address": "east-lab.address",
        "gateway_port": 31443,
        "trust_domain": "east.mesh",
        "trust_domain_aliases": [],
        "control_plane": INSTALLED.model_dump(),
        "ca_expires": "2036-01-01T00:00:00Z",
        "ca_serial": "01",
        "ca_generation": 1,
        "cluster": "local",
        "egress_addresses": None,
        "exports": {"echo.demo.global": {"port": 80, "ports": {"80": "http"}, "weight": 1, "service_account": "echo"}},
    }
    assert recording.outputs["services"] == {"echo.demo.global": {"east": 1, "west": 1}}
    assert {mesh: f"kubeconfig of {mesh}-lab" in text for mesh, text in recording.outputs["kubeconfigs"].items()} == {
        "east": True,
        "west": True,
    }
    assert recording.secret_outputs == {"kubeconfigs"}


def test_every_kubernetes_object_of_a_local_cluster_ends_with_it() -> None:
    recording = recorded(config("east"))
    for resource in recording.resources.values():
        if resource.type.startswith("kubernetes:"):
            assert resource.deleted_with == recording["east-lab"].urn, resource.name


def test_every_kubernetes_object_has_the_provider_of_its_own_cluster() -> None:
    recording = recorded(config("east", "west"))
    for resource in recording.resources.values():
        if resource.type.startswith("kubernetes:"):
            mesh = "east" if "east" in resource.name else "west"
            assert resource.provider.startswith(recording[f"{mesh}-kubernetes"].urn), resource.name


def test_the_root_is_protected_only_when_asked() -> None:
    assert not any(resource.protect for resource in recorded(config("east")).resources.values())
    protected = recorded(config("east", trust={"protect": True}))
    assert {resource.name for resource in protected.resources.values() if resource.protect} == {
        "root-key",
        "root-certificate",
    }


def test_a_mesh_that_exports_nothing_has_no_gateway_for_peers() -> None:
    recording = recorded(config("east", "west", services=[ECHO | {"meshes": {"east": 1}}]))
    assert "east-peer-gateway" in recording.resources
    assert "west-peer-gateway" not in recording.resources


def test_without_the_sample_nothing_of_it_is_made() -> None:
    recording = recorded(config("east", services=[], sample=False))
    assert not [name for name in recording.resources if "echo" in name]


def test_a_service_of_the_users_own_is_read_and_not_made() -> None:
    recording = recorded(config("east", services=[WEB]), {"shop/web": WEB_SERVICE})
    made = recording.service_objects("east")
    endpoints = made["ServiceEntry istio-system/web.shop.global"]["endpoints"]
    assert [endpoint["address"] for endpoint in endpoints] == ["web.shop.svc.cluster.local."]
    assert made["AuthorizationPolicy shop/web.shop.global.others"]["selector"] == {"matchLabels": {"app": "web"}}


def test_callers_that_leave_out_the_own_mesh_are_the_only_ones() -> None:
    recording = recorded(config("east", "west", services=[ECHO | {"callers": ["west"], "ingress_hosts": []}]))
    denied = recording.service_objects("east")["AuthorizationPolicy demo/echo.demo.global.others"]
    assert denied["action"] == "DENY"
    assert denied["rules"][0]["from"] == [{"source": {"notPrincipals": ["west.mesh/*"]}}]


def test_a_service_open_to_the_world_can_be_called_by_every_gateway() -> None:
    recording = recorded(config("east", "west", services=[ECHO | {"callers": ["west/ns/shop/sa/web"]}]))
    allowed = recording.service_objects("east")["AuthorizationPolicy demo/echo.demo.global.others"]
    assert allowed["rules"][0]["from"][0]["source"]["notPrincipals"] == [
        "west.mesh/ns/shop/sa/web",
        "east.mesh/ns/istio-system/sa/istio-ingressgateway",
        "west.mesh/ns/istio-system/sa/istio-ingressgateway",
    ]


def changed(before: Recording, after: Recording) -> set[str]:
    """Return the names of the resources that differ between two runs."""
    names = before.resources.keys() | after.resources.keys()
    return {name for name in names if before.resources.get(name) != after.resources.get(name)}


def test_a_second_run_registers_the_same() -> None:
    assert changed(record(config("east", "west")), record(config("east", "west"))) == set()


def touched(before: Recording, after: Recording) -> set[str]:
    """Return the objects of services that differ between two runs, by mesh."""
    found = set[str]()
    for mesh in ("east", "west"):
        one, other = before.service_objects(mesh), after.service_objects(mesh)
        found |= {f"{mesh} {key}" for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
    return found


def test_a_weight_touches_its_service_alone() -> None:
    both = [ECHO, WEB]
    services = {"shop/web": WEB_SERVICE}
    before = recorded(config("east", "west", services=both), services)
    after = recorded(config("east", "west", services=[ECHO | {"meshes": {"east": 80, "west": 20}}, WEB]), services)
    assert changed(before, after) == {"east-services", "west-services"}
    assert touched(before, after) == {
        "east DestinationRule istio-system/echo.demo.global",
        "west DestinationRule istio-system/echo.demo.global",
    }


def test_another_service_touches_what_lists_services_alone() -> None:
    services = {"shop/web": WEB_SERVICE}
    before = recorded(config("east", "west"), services)
    after = recorded(config("east", "west", services=[ECHO, WEB]), services)
    existing = changed(before, after) & before.resources.keys()
    assert existing == {
        "east-peer-gateway",
        "west-peer-gateway",
        "east-services",
        "west-services",
    }
    assert not [key for key in touched(before, after) if "echo" in key]


def test_a_third_mesh_touches_what_is_federated_alone() -> None:
    before, after = recorded(config("east", "west")), recorded(config("east", "west", "south"))
    assert changed(before, after) & before.resources.keys() == {
        "east-services",
        "west-services",
        # the trust domains that the mesh accepts
        "east-istiod",
        "west-istiod",
    }
    assert {key.split()[1] for key in touched(before, after)} == {
        "ServiceEntry",
        "DestinationRule",
        "AuthorizationPolicy",
    }
