"""Where the charts come from, and what their values say."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recording import recorded
from stack_settings import MESHES

from components.clusters.cluster import Exposure, Platform
from components.mesh import charts
from components.mesh.roles import Role
from components.mesh.settings import IstioSettings
from multimesh.control_plane import ControlPlane

EAST = Role("east", "east.mesh")

nested = st.recursive(
    st.dictionaries(st.sampled_from("abc"), st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)


@given(nested, nested)
def test_what_is_merged_last_wins_in_depth(under: dict, over: dict) -> None:
    def check(result: dict, expected: dict) -> None:
        for key, value in expected.items():
            if isinstance(value, dict):
                check(result[key], value)
            else:
                assert result[key] == value

    check(charts.merged(under, over), over)


def test_merging_keeps_what_the_later_layer_does_not_name() -> None:
    assert charts.merged({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}}) == {"a": {"b": 1, "c": [2]}}


@pytest.mark.parametrize(
    ("where", "arguments"),
    [
        ("/charts", {"chart": "/charts/istiod"}),
        ("oci://hub/charts", {"chart": "oci://hub/charts/istiod", "version": "1.2"}),
        (
            "https://hub/charts",
            {"chart": "istiod", "version": "1.2", "repositoryOpts": {"repo": "https://hub/charts"}},
        ),
    ],
)
def test_charts_are_found_in_a_folder_a_registry_or_a_repository(where: str, arguments: dict) -> None:
    assert charts.source(Platform(charts=where, version="1.2"), "istiod") == arguments


def test_a_changed_chart_in_a_folder_is_another_chart(tmp_path: Path) -> None:
    descriptions = set()
    for number, (name, content) in enumerate([("a.yaml", "a: 1"), ("a.yaml", "a: 2"), ("b.yaml", "a: 2")]):
        chart = tmp_path / str(number) / "istiod/templates"
        chart.mkdir(parents=True)
        (chart / name).write_text(content)
        (chart / "again").write_text("")
        release = charts.source(Platform(charts=f"{tmp_path}/{number}"), "istiod")
        assert release["chart"] == f"{tmp_path}/{number}/istiod"
        descriptions.add(release["description"])
    assert len(descriptions) == 3


def test_the_users_choices_go_over_the_platforms() -> None:
    platform = Platform(values={"istiod": {"global": {"hub": "lab", "tag": "1"}, "replicaCount": 1}})
    istio = IstioSettings.model_validate(
        {"version": "1.30.0", "hub": "mine", "values": {"istiod": {"replicaCount": 3}, "gateway": {"a": "b"}}}
    )
    chosen = charts.chosen(platform, istio, "mine/app")
    assert chosen.values["istiod"] == {"global": {"hub": "mine", "tag": "1"}, "replicaCount": 3}
    assert chosen.values["gateway"] == {"a": "b"}
    assert (chosen.version, chosen.charts, chosen.sample_image) == ("1.30.0", platform.charts, "mine/app")


def test_proxy_metadata_are_strings() -> None:
    values = charts.istiod_values(EAST, "PEM", "AB:CD")
    texts = values["meshConfig"]["defaultConfig"]["proxyMetadata"].values()
    assert all(isinstance(text, str) for text in texts), "Istio drops what is no string, with all the rest"


@pytest.mark.parametrize(
    ("hosts", "kept", "not_kept"),
    [
        (
            ["*.global"],
            ["outbound|80||echo.demo.global;", "outbound|80||echo.demo.global", "outbound|80|v1|a.b.global;"],
            ["outbound|80||echo.demo.svc.cluster.local;", "outbound|80||echo.demo.global;.external", "xds-grpc;"],
        ),
        (
            ["a.b.svc.cluster.local", "c.d.svc.cluster.local"],
            ["outbound|80||a.b.svc.cluster.local;", "outbound|80|east|c.d.svc.cluster.local;"],
            ["outbound|80||aXb.svc.cluster.local;", "outbound|80||e.f.svc.cluster.local;", "inbound|80||;"],
        ),
    ],
)
def test_proxies_keep_the_latencies_of_federated_services_and_of_no_others(
    hosts: list[str], kept: list[str], not_kept: list[str]
) -> None:
    config = charts.latency_values(hosts)["meshConfig"]["defaultConfig"]
    [pattern] = config["proxyStatsMatcher"]["inclusionRegexps"]
    names = [*kept, *not_kept]
    assert [name for name in names if re.fullmatch(pattern, f"cluster.{name}.upstream_rq_time")] == kept


def test_a_mesh_without_services_keeps_no_latencies() -> None:
    assert charts.latency_values([]) == {}


def test_a_mesh_accepts_the_trust_domains_of_its_federation_and_no_other() -> None:
    federated = charts.istiod_values(replace(EAST, federated=["a", "b"]), "PEM", "AB:CD")
    assert federated["meshConfig"]["caCertificates"] == [{"pem": "PEM", "trustDomains": ["a", "b"]}]
    assert "PILOT_SKIP_VALIDATE_TRUST_DOMAIN" not in str(federated)


def test_istiod_restarts_with_a_ca_for_each_alias_of_its_trust_domain() -> None:
    values = charts.istiod_values(replace(EAST, aliases=["old.example"]), "PEM", "AB:CD")
    assert values["meshConfig"]["trustDomainAliases"] == ["old.example"]
    assert values["podAnnotations"]["multimesh/trust-domains"] == "east.mesh,old.example"
    assert "multimesh/trust-domains" not in charts.istiod_values(EAST, "PEM", "AB:CD")["podAnnotations"]


def test_a_mesh_on_its_own_accepts_its_own_trust_domain_alone() -> None:
    assert "caCertificates" not in charts.istiod_values(EAST, "PEM", "AB:CD")["meshConfig"]


def test_node_ports_are_named_only_for_node_ports() -> None:
    balanced = charts.gateway_values(Exposure("LoadBalancer"), EAST)["service"]
    assert balanced["type"] == "LoadBalancer"
    assert not [port for port in balanced["ports"] if "nodePort" in port]
    node = charts.gateway_values(Exposure("NodePort", "10.0.0.1", 31443, 30080), EAST)["service"]
    assert {port["port"]: port.get("nodePort") for port in node["ports"]} == {80: 30080, 15443: 31443}


def test_the_gateways_service_account_may_read_no_secrets() -> None:
    assert charts.gateway_values(Exposure("LoadBalancer"), EAST)["rbac"] == {"enabled": False}


def test_a_cluster_kind_adds_to_the_gateways_service() -> None:
    service = charts.gateway_values(Exposure(service_values={"loadBalancerIP": "192.0.2.1"}), EAST)["service"]
    assert (service["type"], service["loadBalancerIP"], len(service["ports"])) == ("LoadBalancer", "192.0.2.1", 3)


def test_node_ports_behind_a_load_balancer_are_not_the_ports_that_it_listens_on() -> None:
    exposure = Exposure("NodePort", "192.0.2.1", 15443, 80, node_port=31443, ingress_node_port=30080)
    service = charts.gateway_values(exposure, EAST)["service"]
    assert [port.get("nodePort") for port in service["ports"]] == [30080, 31443]


def test_a_node_port_that_the_api_server_chooses_is_chosen_after_those_that_are_given() -> None:
    own = charts.gateway_values(Exposure("NodePort", "10.0.0.1", 31443, 30080), EAST)
    users = [{"name": "mqtt", "port": 1883}, {"name": "smtp", "port": 25, "nodePort": 30025}]
    service = charts.complete("gateway", own, Platform(values={"gateway": {"service": {"ports": users}}}))["service"]
    assert [port.get("nodePort") for port in service["ports"]] == [30080, 31443, 30025, None]


def test_who_lists_the_gateways_status_gets_it_at_node_ports_too() -> None:
    own = charts.gateway_values(Exposure("NodePort", "10.0.0.1", 31443, 30080), EAST)
    status = {"name": "status-port", "port": 15021, "nodePort": 30021}
    service = charts.complete("gateway", own, Platform(values={"gateway": {"service": {"ports": [status]}}}))["service"]
    assert [port.get("nodePort") for port in service["ports"]] == [30080, 31443, 30021]


def test_a_gateway_that_tells_clients_by_their_addresses_keeps_these() -> None:
    assert "externalTrafficPolicy" not in charts.gateway_values(Exposure(), EAST)["service"]
    values = charts.gateway_values(Exposure(), EAST, sees_clients=True)
    assert values["service"]["externalTrafficPolicy"] == "Local"


def test_a_load_balancer_goes_on_to_probe_the_first_port() -> None:
    own = charts.gateway_values(Exposure("LoadBalancer"), EAST)
    users = [{"name": "smtp", "port": 25, "nodePort": 30025}]
    service = charts.complete("gateway", own, Platform(values={"gateway": {"service": {"ports": users}}}))["service"]
    assert [port["port"] for port in service["ports"]] == [15021, 80, 15443, 25]


def test_images_by_digest_reach_the_charts_and_the_sample_as_they_were_written() -> None:
    digest = "@sha256:" + "0" * 64
    istiod = {"image": f"r/pilot{digest}", "global": {"proxy": {"image": f"r/proxyv2{digest}"}}}
    recording = recorded({"meshes": MESHES, "sample_image": f"r/app{digest}", "istio": {"values": {"istiod": istiod}}})
    values = recording["east-istiod"].inputs["values"]
    assert values["image"] == f"r/pilot{digest}"
    assert values["global"]["proxy"]["image"] == f"r/proxyv2{digest}"
    (container,) = recording["east-echo-deployment"].inputs["spec"]["template"]["spec"]["containers"]
    assert json.loads(container["image"]) == f"r/app{digest}"  # the mock gives every setting as JSON


def test_istiod_names_services_by_the_clusters_domain() -> None:
    plane = ControlPlane(cluster_domain="corp.internal")
    assert charts.istiod_values(replace(EAST, plane=plane), "PEM", "AB:CD")["global"]["proxy"]["clusterDomain"] == (
        "corp.internal"
    )
    assert "clusterDomain" not in charts.istiod_values(EAST, "PEM", "AB:CD")["global"]["proxy"]
