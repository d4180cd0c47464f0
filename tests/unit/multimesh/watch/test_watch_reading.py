"""What is read from a proxy's own counters."""

import re
from urllib.parse import unquote

import pytest
from envoy_answers import clusters, histogram, histograms, host

from multimesh.verify.counters import CountersError
from multimesh.watch.reading import Counts, Reading, clusters_path, read

ECHO = "echo.demo.global"
SERVICES = {ECHO: ECHO}


def test_endpoints_of_one_mesh_are_added_up() -> None:
    text = clusters(
        echo_demo_global=[
            host("east", rq_total=7, rq_success=5, rq_error=2),
            host("east", rq_total=3, cx_connect_fail=1),
            host("west", rq_total=0),
        ]
    )
    counts = read(text, "", SERVICES).counts
    assert counts == {(ECHO, "east"): Counts(10, 3), (ECHO, "west"): Counts(0, 0)}


def test_clusters_of_no_exported_service_are_left_out() -> None:
    assert read(clusters(echo_demo_svc_cluster_local=[host("east", rq_total=7)]), "", SERVICES) == Reading({})


@pytest.mark.parametrize("name", [f"outbound|80|east|{ECHO}", f"outbound|9090||{ECHO}"])
def test_a_subset_or_another_port_counts_too(name: str) -> None:
    text = clusters(x=[host("east", rq_total=7)]).replace("outbound|80||x", name)
    assert read(text, "", SERVICES).counts == {(ECHO, "east"): Counts(7, 0)}


@pytest.mark.parametrize("name", [f"outbound_.80_._.{ECHO}", f"inbound|80||{ECHO}", "xds-grpc"])
def test_what_a_gateway_passes_on_for_peers_is_not_a_request_of_its_own(name: str) -> None:
    text = clusters(x=[host("east", rq_total=7)]).replace("outbound|80||x", name)
    assert read(text, "", SERVICES).counts == {}


def test_an_ejected_endpoint_is_told() -> None:
    text = clusters(echo_demo_global=[host("east", ejected=True, rq_total=1), host("west", rq_total=1)])
    assert read(text, "", SERVICES).ejected == {(ECHO, "east")}


@pytest.mark.parametrize("end", [".upstream_rq_time", ";.upstream_rq_time"])
def test_latencies_are_the_middles_of_buckets(end: str) -> None:
    text = histograms(
        histogram(f"cluster.outbound|80||{ECHO}{end}", {0: 2, 1: 4}),
        histogram(f"cluster.outbound|81||{ECHO}{end}", {1: 1}),
        histogram(f"cluster.outbound|80||{ECHO};.external.upstream_rq_time", {1: 4}),
        histogram("cluster.outbound|80||other.demo.global;.upstream_rq_time", {1: 4}),
    )
    assert read(clusters(), text, SERVICES).latency == {ECHO: {0.05: 2, 1.05: 5}}


def test_in_one_mesh_a_service_has_the_host_of_its_clusters() -> None:
    services = {"echo.demo.svc.cluster.local": ECHO}
    text = clusters(echo_demo_svc_cluster_local=[host("west", rq_total=1)])
    assert read(text, "", services).counts == {(ECHO, "west"): Counts(1, 0)}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cluster_statuses": [{}]}', '{"cluster_statuses": 1}'])
def test_what_is_no_answer_of_an_envoy_is_an_error(text: str) -> None:
    with pytest.raises(CountersError, match="not the counters of an Envoy"):
        read(text, "", SERVICES)


@pytest.mark.parametrize(
    ("hosts", "asked", "not_asked"),
    [
        ([ECHO], [f"outbound|80||{ECHO}", f"outbound|80|east|{ECHO}"], ["outbound|80||a.b.svc.cluster.local", "xds"]),
        (["a.b.svc.cluster.local"], ["outbound|80||a.b.svc.cluster.local"], ["outbound|1||a.b.svcXcluster.local"]),
        (["a.b.mesh.example"], ["outbound|80||a.b.mesh.example"], ["outbound|80||a.b.global"]),
    ],
)
def test_a_proxy_is_asked_for_the_clusters_of_services_alone(
    hosts: list[str], asked: list[str], not_asked: list[str]
) -> None:
    path, _, pattern = clusters_path({host: host for host in hosts}).partition("&filter=")
    assert path == "/clusters?format=json"
    assert [name for name in [*asked, *not_asked] if re.search(unquote(pattern), name)] == asked
