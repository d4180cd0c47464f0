"""What the programs of a cluster are told."""

import json
import tomllib
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
import yaml

from lab import commands, config, dns, network, paths, programs
from lab.allocation import Allocation

EAST = Allocation("mm000001", "east", 201, "hub/pause:1", "hub/coredns:1")
WEST = Allocation("mm000002", "west", 202, "hub/pause:1", "hub/coredns:1")
CONTAINERD: dict[str, Any] = tomllib.loads(config.containerd(EAST))


def _texts(cluster: Allocation) -> str:
    files = (config.containerd, config.pod_network, config.kubelet, config.kube_proxy)
    lines = [" ".join(commands.command_line(cluster, name)) for name in programs.NAMES]
    return "\n".join([*(file(cluster) for file in files), *lines])


def _options(name: str) -> dict[str, str]:
    return dict(
        option.removeprefix("--").split("=", 1) for option in commands.command_line(EAST, name) if "=" in option
    )


def test_two_clusters_are_told_nothing_in_common_that_is_theirs() -> None:
    texts = _texts(EAST)
    assert WEST.id not in texts
    assert "10.202." not in texts


@pytest.mark.parametrize("path", [CONTAINERD["root"], CONTAINERD["state"]])
def test_containerd_keeps_everything_in_the_clusters_own_folders(path: str) -> None:
    assert path.startswith((f"{paths.STATE}/mm000001/", f"{paths.RUN}/mm000001/"))


def test_the_folder_of_shim_sockets_is_not_too_long_for_containerd() -> None:
    folder = CONTAINERD["plugins"]["io.containerd.shim.v1.manager"]["socket_dir"]
    assert len(folder) <= 38, "containerd's limit: the sockets' names are long, and 107 bytes are all there is"


def test_the_pause_image_is_the_one_that_the_cluster_was_made_with() -> None:
    images = CONTAINERD["plugins"]["io.containerd.cri.v1.images"]
    assert images["pinned_images"]["sandbox"] == "hub/pause:1"


def test_pods_get_addresses_from_the_pod_network() -> None:
    ipam = json.loads(config.pod_network(EAST))["plugins"][0]["ipam"]
    assert ipam["ranges"] == [[{"subnet": EAST.pod_cidr}]]


def test_pods_run_in_the_control_group_that_is_searched_for_them() -> None:
    assert yaml.safe_load(config.kubelet(EAST))["cgroupRoot"] == "/multimesh/mm000001"


def test_kubelet_asks_for_names_where_coredns_answers() -> None:
    service = dns.manifests(EAST)["/api/v1/namespaces/kube-system/services/kube-dns"]
    assert yaml.safe_load(config.kubelet(EAST))["clusterDNS"] == [service["spec"]["clusterIP"]]


def test_the_dns_service_is_in_the_service_network() -> None:
    assert IPv4Address(EAST.dns_service) in IPv4Network(EAST.service_cidr)


@pytest.mark.parametrize("option", ["listen-client-urls", "listen-peer-urls"])
def test_etcd_listens_only_inside_its_namespace(option: str) -> None:
    assert _options("etcd")[option].startswith("https://127.0.0.1:")


def test_etcd_refuses_who_has_no_certificate_of_its_own_ca() -> None:
    etcd, api_server = _options("etcd"), _options("kube-apiserver")
    assert {"client-cert-auth", "peer-client-cert-auth"} <= etcd.keys()
    assert etcd["trusted-ca-file"] == etcd["peer-trusted-ca-file"] == api_server["etcd-cafile"]
    assert etcd["trusted-ca-file"] != api_server["client-ca-file"]


def test_the_api_server_refuses_who_has_no_certificate() -> None:
    assert _options("kube-apiserver")["anonymous-auth"] == "false"


def test_kubelet_refuses_who_has_no_certificate() -> None:
    assert yaml.safe_load(config.kubelet(EAST))["authentication"]["anonymous"] == {"enabled": False}


def test_every_program_has_a_command_line_that_starts_with_its_name() -> None:
    assert [commands.command_line(EAST, name)[0] for name in programs.NAMES] == list(programs.NAMES)


def test_manifests_are_applied_at_the_path_of_their_name() -> None:
    wrong = [
        path for path, manifest in dns.manifests(EAST).items() if path.split("/")[-1] != manifest["metadata"]["name"]
    ]
    assert not wrong


def test_only_rules_with_the_clusters_own_mark_are_its_own() -> None:
    rules = [
        "-P FORWARD DROP",
        "-A FORWARD -i eth0 -j ACCEPT",
        "-A FORWARD -i mm000001 -o mm+ -m comment --comment mm000001 -j ACCEPT",
        '-A FORWARD -i mm000002 -o mm+ -m comment --comment "mm000002" -j ACCEPT',
    ]
    assert [network._rules(id, rules) for id in ("mm000001", "mm000002")] == [[rules[2]], [rules[3]]]
