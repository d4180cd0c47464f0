"""Calls from a pod: what is sent, and what its proxy says afterwards."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from multimesh.check.calls import call
from multimesh.verify.counters import Count, CountersError, cluster_name
from multimesh.verify.selection import Port

NAME = "spiffe://west.mesh/ns/demo/sa/echo"


def port(number: int) -> Port:
    return Port("web.shop.global", number, "http", {"east": 1}, "weights")


@dataclass
class Pod:
    """A pod whose proxy has one endpoint for port 80, in mesh east."""

    ejected: bool = False
    trouble: str = ""
    groups: list[int] = field(default_factory=list)
    printed: str = ""
    sent: list[list[str]] = field(default_factory=list)
    reached: int = 0

    def proxy(self, path: str) -> str:
        if self.trouble:
            raise CountersError(self.trouble)
        if path == "/certs":
            own = {"subject_alt_names": [{"uri": NAME}], "expiration_time": "2026-11-27T12:00:00Z"}
            return json.dumps({"certificates": [{"ca_cert": [{}]}, {"cert_chain": [own]}]})
        self.reached += 10
        host = {
            "address": "192.0.2.1",
            "locality": {"region": "east"},
            "stats": [{"name": "rq_total", "value": self.reached}],
            "health_status": {"failed_outlier_check": self.ejected},
        }
        name = cluster_name("web.shop.global", 80, one_mesh=False)
        return json.dumps({"cluster_statuses": [{"name": name, "host_statuses": [host]}]})

    def together(self, commands: Sequence[list[str]]) -> list[tuple[str, str]]:
        self.groups.append(len(commands))
        self.sent += commands
        return [(self.printed, "" if self.printed else "no such host")] * len(commands)


def test_the_endpoints_counted_meanwhile_are_by_mesh() -> None:
    found = call(Pod(), [port(80)], one_mesh=False)  # type: ignore[arg-type]
    assert found.calls[0].counts == {"east": Count(10, 0, 0)}
    assert found.calls[0].replies.unknown == "no such host"


def test_an_endpoint_that_is_ejected_is_told() -> None:
    found = call(Pod(ejected=True), [port(80)], one_mesh=False)  # type: ignore[arg-type]
    assert list(found.ejected.values()) == [frozenset({"east"})]


def test_the_proxys_own_certificate_is_read() -> None:
    found = call(Pod(), [port(80)], one_mesh=False)  # type: ignore[arg-type]
    assert found.identities == [NAME]
    assert found.expires == datetime(2026, 11, 27, 12, tzinfo=UTC)


def test_a_thousand_ports_are_not_called_at_once() -> None:
    pod = Pod()
    found = call(pod, [port(number) for number in range(1, 1001)], one_mesh=False)  # type: ignore[arg-type]
    assert len(found.calls) == 1000
    assert max(pod.groups) == 16


@pytest.mark.parametrize(("refusing", "admitted", "sends"), [({"east"}, 5, True), (set[str](), 0, False)])
def test_a_connection_that_must_be_refused_sends_a_line_and_counts_who_gets_in(
    refusing: set[str], admitted: int, sends: bool
) -> None:
    tcp = Port("db.shop.global", 6379, "tcp", {"east": 1}, "weights")
    pod = Pod(printed="TCP read failed (already read 0 bytes): read tcp: i/o timeout\n" * 5)
    refused = {tcp.address: frozenset(refusing)}
    [found] = call(pod, [tcp], one_mesh=False, refusing=refused).calls  # type: ignore[arg-type]
    assert (found.admitted, found.refusing) == (admitted, frozenset(refusing))
    assert ("--server-first" not in pod.sent[0]) is sends


@pytest.mark.parametrize("said", ["port-forward to pod echo-1, port 15000: refused"])
def test_a_proxy_that_cannot_be_asked_is_trouble(said: str) -> None:
    found = call(Pod(trouble=said), [port(80)], one_mesh=False)  # type: ignore[arg-type]
    assert found.trouble == said
