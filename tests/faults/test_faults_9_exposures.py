"""Gateways as clouds expose them: node ports behind an address, and a Service that gets an IP, then a hostname.

The test plays the clouds: two clusters that somebody else made, and load balancers in front of them.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab import cluster
from lab.cluster import Cluster
from lab.stack import Stack
from tests.e2e import guest, zone
from tests.e2e.balancer import Balancer

NODE_PORTS = {15443: 31443, 80: 30080}


@dataclass
class Clouds:
    """Two clusters, and where the load balancers in front of them are reached."""

    balancer: Balancer
    ports: Cluster
    ports_address: str
    service: Cluster
    service_address: str


@pytest.fixture(scope="module")
def clouds(show: Callable[[str], None]) -> Iterator[Clouds]:
    """A cluster behind a load balancer of its maker's, and one whose Services get load balancers."""
    made: list[Cluster] = []
    with Balancer.running(show) as balancer:
        try:
            made += [cluster.create(name, show) for name in ("ports", "service")]
            clouds = Clouds(balancer, made[0], balancer.address(), made[1], balancer.address())
            balancer.forward(clouds.ports_address, clouds.ports.address, NODE_PORTS)
            zone.add(clouds.ports, "service", clouds.service_address)
            yield clouds
        finally:
            for each in made:
                cluster.destroy(each.id, show)


@pytest.fixture(scope="module")
def exposed(clouds: Clouds, tmp_path_factory: pytest.TempPathFactory, show: Callable[[str], None]) -> Iterator[Stack]:
    """The stack with a mesh in each cluster, up; destroyed at the end whatever happens."""
    folder = tmp_path_factory.mktemp("exposures")
    with Stack(folder, show, "exposures").destroyed_at_the_end() as stack:
        stack.configure(lambda config: config.update(_with_meshes(config, clouds, folder)))
        with clouds.balancer.controlling(clouds.service, clouds.service_address, {"ip": clouds.service_address}):
            stack.up()
        yield stack


def _with_meshes(config: guest.Config, clouds: Clouds, folder: Path) -> guest.Config:
    def mesh(of: Cluster, gateway: dict[str, Any]) -> dict[str, Any]:
        kubeconfig = folder / of.name
        kubeconfig.write_text(of.kubeconfig)
        return {"cluster": {"kind": "existing", "kubeconfig": str(kubeconfig), "gateway": gateway}}

    outside, inside = {"port": 15443, "ingress_port": 80}, {"node_port": 31443, "ingress_node_port": 30080}
    ports = {"service": "NodePort", "address": clouds.ports_address, **outside, **inside}
    [echo] = config["multimesh:services"]
    return {
        "multimesh:meshes": {
            "ports": mesh(clouds.ports, ports),
            "service": mesh(clouds.service, {"service": "LoadBalancer"}),
        },
        "multimesh:services": [echo | {"meshes": {"ports": 50, "service": 50}}],
        **guest.platform(),
    }


def _answers_from_both(report: dict[str, Any]) -> None:
    assert report["findings"] == []
    asked = {(verdict["mesh"], verdict["path"]) for verdict in report["verdicts"]}
    assert len(asked) == 6
    for verdict in report["verdicts"]:
        answered = {part["mesh"] for part in verdict["answered_by"] if part["count"]}
        assert answered == {"ports", "service"}, (verdict["mesh"], verdict["path"])


def _set_topology(stack: Stack, topology: dict[str, Any]) -> None:
    stack.configure(lambda config: config.update({"multimesh:topology": topology}))


def _has_hostname(api: Any, name: str) -> bool:
    service = api.read_namespaced_service("istio-ingressgateway", "istio-system")
    return [point.hostname for point in service.status.load_balancer.ingress or []] == [name]


def test_node_ports_behind_an_address_and_a_service_with_an_ip_are_peers(exposed: Stack, clouds: Clouds) -> None:
    meshes = exposed.outputs().meshes
    assert (meshes["ports"].gateway_address, meshes["ports"].gateway_port) == (clouds.ports_address, 15443)
    assert (meshes["service"].gateway_address, meshes["service"].gateway_port) == (clouds.service_address, 15443)
    _answers_from_both(exposed.verify())


def test_nothing_is_left_to_do_behind_load_balancers(exposed: Stack) -> None:
    exposed.up("--expect-no-changes")


def test_clusters_behind_load_balancers_form_one_mesh(exposed: Stack, clouds: Clouds) -> None:
    _set_topology(exposed, {"kind": "single-mesh", "network": "gateways"})
    with clouds.balancer.controlling(clouds.service, clouds.service_address, {"ip": clouds.service_address}):
        exposed.up()
    assert exposed.settled() == []
    _answers_from_both(exposed.verify())


@pytest.fixture
def resolving(clouds: Clouds, tmp_path: Path) -> list[str]:
    """A command that runs another one that knows the load balancer by its name, by a hosts file of its own."""
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{clouds.service_address} {zone.name_of('service')}\n")
    return ["unshare", "--mount", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh"]


@pytest.mark.parametrize("kind", ["single-mesh", "multi-mesh"])
def test_a_service_whose_address_becomes_a_hostname_stays_a_peer(
    exposed: Stack, clouds: Clouds, resolving: list[str], kind: str
) -> None:
    _set_topology(exposed, {"kind": kind} | ({"network": "gateways"} if kind == "single-mesh" else {}))
    name = zone.name_of("service")
    with clouds.balancer.controlling(clouds.service, clouds.service_address, {"hostname": name}):
        with exposed.api("service") as api:
            while not _has_hostname(api, name):
                time.sleep(0.3)
        exposed.up()
    assert exposed.outputs().meshes["service"].gateway_address == name
    assert exposed.settled(within=resolving) == []
    _answers_from_both(exposed.verify(within=resolving))


def test_destroy_waits_until_the_load_balancer_is_gone(exposed: Stack, clouds: Clouds) -> None:
    assert clouds.balancer.forwarded(clouds.service_address)
    with clouds.balancer.controlling(clouds.service, clouds.service_address, {"hostname": zone.name_of("service")}):
        exposed.destroy()
        assert clouds.balancer.forwarded(clouds.service_address) == []
