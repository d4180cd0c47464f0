"""A cluster that was there before: its provider, and its gateway's address."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from recording import Recording, record

from components.clusters.existing import preflight
from components.mesh.endpoint import NoAddressError

KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "other",
    "contexts": [
        {"name": "other", "context": {"cluster": "other", "user": "me"}},
        {"name": "here", "context": {"cluster": "it", "user": "me"}},
    ],
    "clusters": [
        {"name": "other", "cluster": {"server": "https://other:6443"}},
        {"name": "it", "cluster": {"server": "https://it:6443"}},
    ],
    "users": [{"name": "me", "user": {"token": "hunter2"}}],
}


@pytest.fixture(autouse=True)
def _answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(preflight, "missing", lambda _settings, **_created: ())
        yield


def existing(ingress: list[dict[str, str]] | None = None, **gateway: Any) -> Recording:
    cluster = {"kind": "existing", "kubeconfig": yaml.safe_dump(KUBECONFIG), "context": "here", "gateway": gateway}
    service = {"status": {"loadBalancer": {"ingress": ingress}}}
    return record({"meshes": {"east": {"cluster": cluster}}}, {"istio-system/istio-ingressgateway": service})


def test_the_kubeconfig_is_a_secret_with_the_chosen_context_as_the_current_one() -> None:
    recording = existing([{"ip": "192.0.2.1"}])
    provider = recording["east-kubernetes"]
    assert provider.secrets == {"kubeconfig"}
    assert yaml.safe_load(provider.inputs["kubeconfig"])["current-context"] == "here"
    assert "hunter2" not in str({key: value for key, value in provider.inputs.items() if key != "kubeconfig"})
    assert recording.secret_outputs == {"kubeconfigs"}


def test_the_api_server_identifies_the_cluster() -> None:
    assert existing([{"ip": "192.0.2.1"}])["east-kubernetes"].inputs["clusterIdentifier"] == "https://it:6443"


def test_objects_are_deleted_one_by_one_from_a_cluster_that_stays() -> None:
    for resource in existing([{"ip": "192.0.2.1"}]).resources.values():
        assert resource.deleted_with == "", resource.name


@pytest.mark.parametrize("point", [{"ip": "192.0.2.1"}, {"hostname": "a.elb.example.com"}])
def test_the_address_is_read_from_the_gateways_service(point: dict[str, str]) -> None:
    recording = existing([point])
    (address,) = point.values()
    assert recording.outputs["meshes"]["east"]["gateway_address"] == address
    assert recording.outputs["meshes"]["east"]["ingress_url"] == f"http://{address}"


def test_a_load_balancer_without_an_address_is_an_error() -> None:
    with pytest.raises(NoAddressError):
        existing([])


def test_a_given_address_is_taken_and_no_service_is_read() -> None:
    recording = existing(service="NodePort", address="192.0.2.7")
    assert recording.outputs["meshes"]["east"]["gateway_port"] == 31443
    assert recording.outputs["meshes"]["east"]["ingress_url"] == "http://192.0.2.7:30080"
    assert "east-gateway-service" not in recording.resources


def test_node_ports_may_differ_from_the_ports_in_front_of_them() -> None:
    outside, inside = {"port": 15443, "ingress_port": 80}, {"node_port": 31443, "ingress_node_port": 30080}
    recording = existing(None, service="NodePort", address="192.0.2.7", **outside, **inside)
    assert recording.outputs["meshes"]["east"]["gateway_port"] == 15443
    assert recording.outputs["meshes"]["east"]["ingress_url"] == "http://192.0.2.7"
    service = recording["east-gateway"].inputs["values"]["service"]
    assert {port["name"]: port.get("nodePort") for port in service["ports"]} == {"http2": 30080, "tls": 31443}


def test_node_ports_alone_are_what_is_reached() -> None:
    recording = existing(service="NodePort", address="192.0.2.7", node_port=32443)
    assert recording.outputs["meshes"]["east"]["gateway_port"] == 32443
