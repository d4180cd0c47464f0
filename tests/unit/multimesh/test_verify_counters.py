"""Who answered, by what an Envoy prints of its clusters."""

import json
from typing import Any

import pytest

from multimesh.verify.counters import Count, CountersError, cluster_name, counted, parse_clusters

CLUSTER = "outbound|6379||db.shop.global"


def host(mesh: str, address: str = "10.0.0.1", **stats: int) -> dict[str, Any]:
    """An endpoint as Envoy 1.40 prints it: a counter that is 0 has no value, others are texts."""
    names = ("cx_connect_fail", "cx_total", "rq_error", "rq_success", "rq_timeout", "rq_total")
    return {
        "address": {"socket_address": {"address": address, "port_value": 6379}},
        "stats": [{"name": name, **({"value": str(stats[name])} if stats.get(name) else {})} for name in names],
        "health_status": {"eds_health_status": "HEALTHY"},
        "weight": 1,
        "locality": {"region": mesh} if mesh else {},
    }


def clusters(*hosts: dict[str, Any]) -> str:
    named = {"name": CLUSTER, "added_via_api": True, "host_statuses": list(hosts)}
    return json.dumps({"cluster_statuses": [{"name": "BlackHoleCluster", "added_via_api": True}, named]})


def grown(before: str, after: str) -> dict[str, Count]:
    return counted(parse_clusters(before), parse_clusters(after), CLUSTER)


def test_a_mesh_has_counted_what_was_added_between_the_snapshots() -> None:
    before = clusters(host("east", rq_total=7), host("west", "10.0.0.2"))
    after = clusters(host("east", rq_total=13), host("west", "10.0.0.2", rq_total=14))
    assert grown(before, after) == {"east": Count(reached=6), "west": Count(reached=14)}


def test_endpoints_of_one_mesh_add_up() -> None:
    after = clusters(host("west", "10.0.0.1", rq_total=2), host("west", "10.0.0.2", rq_total=3))
    assert grown(clusters(), after) == {"west": Count(reached=5)}


def test_two_meshes_behind_one_address_are_told_apart() -> None:
    after = clusters(host("east", "10.0.0.1", rq_total=2), host("west", "10.0.0.1", rq_total=3))
    assert grown(clusters(), after) == {"east": Count(reached=2), "west": Count(reached=3)}


def test_an_endpoint_that_was_replaced_is_counted_from_zero() -> None:
    assert grown(clusters(host("east", rq_total=90)), clusters(host("east", rq_total=4))) == {"east": Count(reached=4)}


def test_every_counter_is_read() -> None:
    after = clusters(host("east", rq_total=9, rq_success=5, cx_connect_fail=2))
    assert grown(clusters(), after) == {"east": Count(reached=9, succeeded=5, connect_failures=2)}


def test_an_endpoint_without_locality_is_of_no_mesh() -> None:
    assert grown(clusters(), clusters(host("", rq_total=3))) == {"": Count(reached=3)}


def test_a_cluster_that_the_proxy_does_not_know_has_no_counts() -> None:
    snapshot = parse_clusters(clusters(host("east")))
    assert counted(snapshot, snapshot, "outbound|80||other.shop.global") == {}


@pytest.mark.parametrize(
    "text", ["", "no healthy upstream", "{}", "[]", '{"cluster_statuses": [{"name": "x", "host_statuses": [{}]}]}']
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(CountersError, match="not the clusters of an Envoy"):
        parse_clusters(text)


def test_a_global_name_is_a_cluster_of_its_own() -> None:
    assert cluster_name("db.shop.global", 6379, one_mesh=False) == "outbound|6379||db.shop.global"


def test_in_one_mesh_the_cluster_is_that_of_the_services_own_name() -> None:
    assert cluster_name("db.shop.a.b", 6379, one_mesh=True) == "outbound|6379||db.shop.svc.cluster.local"
