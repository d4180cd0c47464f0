"""What a stack may say, and what is made of it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from stack_settings import ECHO, KUBECONFIG, LOCAL, existing, other, service, single_mesh, spanning

from components import preflight, settings


@pytest.mark.parametrize(
    "allowed",
    [
        other(topology={"kind": "multi-mesh"}),
        {"meshes": {"east": LOCAL}, "topology": {"kind": "single-cluster"}},
        single_mesh(control_plane="one", primary="west"),
        single_mesh(network="gateways", trust_domain="shop.example"),
        spanning(meshes={"east": 50, "west": 50}, callers=["east/ns/a/sa/b", "west/ns/a/sa/b"]),
        spanning(meshes={"east": 80, "west": 20}, split="weighted"),
        spanning(meshes={"east": 1}, split="weighted"),
        spanning(meshes={"east": 1}, name="web", service_account="web"),
    ],
)
def test_a_topology_that_fits_its_stack_is_taken(allowed: dict[str, Any]) -> None:
    assert settings.validate(allowed)


def test_the_clusters_of_a_single_mesh_share_a_trust_domain() -> None:
    stack = settings.validate(single_mesh())
    assert {stack.trust_domain(cluster) for cluster in stack.meshes} == {"single.mesh"}


def test_pods_with_the_same_addresses_in_a_flat_network_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ranges = {"here": ["10.1.0.0/24", "fd00::/64"], "there": ["10.1.0.128/25"]}
    monkeypatch.setattr(preflight.kinds, "missing", lambda _settings, **_given: [])
    monkeypatch.setattr(preflight.kinds, "pod_cidrs", lambda cluster: ranges[cluster.context])
    both = yaml.safe_load(KUBECONFIG)
    both["contexts"].append({"name": "there", "context": {"cluster": "it"}})
    clusters = {
        mesh: {"cluster": {"kind": "existing", "kubeconfig": yaml.safe_dump(both), "context": context}}
        for mesh, context in {"east": "here", "west": "there"}.items()
    }
    stack = settings.validate(single_mesh() | {"meshes": clusters})
    message = r"west\.cluster: '10\.1\.0\.128/25': overlaps 10\.1\.0\.0/24, a pod CIDR of east"
    with pytest.raises(settings.SettingsError, match=message):
        preflight.check(stack)
    ranges["there"] = ["10.1.1.0/24"]
    preflight.check(stack)


def test_left_out_meshes_are_every_mesh() -> None:
    (echo,) = settings.validate(service()).services
    assert echo.meshes == {"east": 1, "west": 1}


def test_a_stack_that_issues_for_others_needs_no_mesh() -> None:
    assert settings.validate({"meshes": {}, "trust": {"issues": {"east": {}}}}).meshes == {}


@pytest.mark.parametrize("peer", ["west", "acme/multimesh/west", "West_1.b"])
def test_a_peer_is_a_stack_by_its_short_or_its_full_name(peer: str) -> None:
    assert settings.validate(other(peers=[peer])).peers == [peer]


def test_with_peers_the_own_meshes_may_all_have_weight_0() -> None:
    assert settings.validate(service(meshes={"east": 0}) | {"peers": ["north"]})


def test_a_mesh_on_its_own_is_allowed_and_said() -> None:
    (note,) = settings.validate({"meshes": {"east": LOCAL}, "services": [ECHO]}).notes()
    assert note.startswith("multimesh:meshes: east is the only mesh")
    assert settings.validate(service()).notes() == []


@given(st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True))
def test_every_dns_label_is_a_mesh_name(name: str) -> None:
    stack = settings.validate({"meshes": {name: LOCAL}})
    assert stack.trust_domain(name) == f"{name}.mesh"


@given(st.integers(1, 65535), st.integers(0, 1_000_000))
def test_every_port_and_weight_in_range_is_taken(port: int, weight: int) -> None:
    raw = service(port=port, meshes={"east": weight, "west": 1}) | {"sample": False}
    (echo,) = settings.validate(raw).services
    assert (echo.port, echo.meshes["east"]) == (port, weight)


@pytest.mark.parametrize("address", ["10.0.0.1", "2001:db8::1", "gateway.example.com"])
def test_addresses_are_ip_addresses_and_dns_names(address: str) -> None:
    assert settings.validate(existing(gateway={"service": "NodePort", "address": address}))


def test_a_kubeconfig_may_be_a_path(tmp_path: Path) -> None:
    (path := tmp_path / "kubeconfig").write_text(KUBECONFIG)
    assert settings.validate(existing(kubeconfig=str(path)))
