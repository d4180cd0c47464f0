"""The stack `dev`, as it is committed and as docs/clouds.md has it configured: the program under Pulumi's mocks."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dev_stack
import pytest
from policy_pack import violations_of
from recording import CHECKOUT, Recording, address, recorded

from components import preflight, settings
from components.clusters import missing
from components.schema import networks

pytestmark = pytest.mark.timeout(300)  # whichever is first imports both clouds' SDKs


@pytest.fixture(autouse=True)
def _accounts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dev_stack.with_accounts(monkeypatch, tmp_path)


@pytest.fixture
def as_committed(monkeypatch: pytest.MonkeyPatch) -> Recording:
    """The program with the very file, in a world where somebody has the addresses that examples have."""
    monkeypatch.setattr(missing, "documentation_ranges", lambda _cidrs: [])
    return recorded(dev_stack.COMMITTED)


@pytest.fixture
def dev() -> Recording:
    """The program with what the documentation has its reader set."""
    return recorded(dev_stack.documented())


def _tree(recording: Recording, component: str) -> dict[str, str]:
    return {
        resource.name: resource.type
        for resource in recording.resources.values()
        if f":{component}::" in resource.parent
    }


def test_the_committed_file_names_no_account_and_holds_no_secret() -> None:
    text = (CHECKOUT / "Pulumi.dev.yaml").read_text()
    assert not re.search(r"\b[0-9]{12}\b|project:|profile:|secure:|encryption|BEGIN ", text)


def test_the_committed_file_runs(as_committed: Recording) -> None:
    assert as_committed.outputs["services"] == {"echo.demo.global": {"ec2": 50, "gke": 50}}


def test_until_they_are_set_the_addresses_of_the_committed_file_are_refused() -> None:
    with pytest.raises(settings.SettingsError) as caught:
        preflight.check(settings.validate(dev_stack.COMMITTED))
    refused = [line.split(": ")[0].strip() for line in str(caught.value).splitlines()[1:]]
    assert refused == [f"multimesh:meshes.{mesh}.cluster.api_cidrs[0]" for mesh in ("ec2", "gke")]


def test_what_the_documentation_sets_is_enough() -> None:
    preflight.check(settings.validate(dev_stack.documented()))


@pytest.mark.parametrize("component", ["Ec2Cluster", "GkeCluster"])
def test_the_component_trees_are_as_reviewed(dev: Recording, component: str, snapshot: Any) -> None:
    assert _tree(dev, component) == snapshot


def test_both_clouds_have_two_nodes(dev: Recording) -> None:
    (pool,) = dev.of("container/nodePool:NodePool")
    (group,) = dev.of("autoscaling/group:Group")
    control_plane = dev.of("ec2/instance:Instance")
    assert pool.inputs["nodeCount"] == 2
    assert group.inputs["minSize"] + len(control_plane) == 2


def test_outputs_keep_their_contract(dev: Recording) -> None:
    for mesh in ("ec2", "gke"):
        about = dev.outputs["meshes"][mesh]
        assert about.keys() >= {"ingress_url", "gateway_address", "gateway_port", "trust_domain", "ca_expires"}
        assert about["gateway_port"] == 15443
        assert about["ingress_url"] == f"http://{about['gateway_address']}"
    assert dev.secret_outputs == {"kubeconfigs"}
    assert dev.outputs["kubeconfigs"].keys() == {"ec2", "gke"}


@pytest.mark.parametrize(("caller", "peer"), [("ec2", "gke"), ("gke", "ec2")])
def test_each_meshs_gateway_feeds_the_other(dev: Recording, caller: str, peer: str) -> None:
    entry = dev.service_objects(caller)["ServiceEntry istio-system/echo.demo.global"]
    (endpoint,) = [found for found in entry["endpoints"] if found["locality"] == peer]
    assert endpoint["address"] == dev.outputs["meshes"][peer]["gateway_address"]
    assert set(endpoint["ports"].values()) == {15443}


def test_each_cluster_admits_the_others_nodes_and_nobody_else_as_a_peer(dev: Recording) -> None:
    (admitted,) = [
        rule.inputs
        for rule in dev.of("vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if rule.inputs["fromPort"] == 15443 and "cidrIpv4" in rule.inputs
    ]
    assert admitted["cidrIpv4"] == f"{address('gke-egress-address')}/32"
    (nat,) = [eip for eip in dev.of("ec2/eip:Eip") if "nat" in eip.name]
    assert dev["gke-peers"].inputs["sourceRanges"][-1].endswith("/32")
    assert nat.urn in dev["gke-peers"].dependencies


def test_no_cluster_waits_for_the_other(dev: Recording) -> None:
    for mesh, other in (("ec2", "gke"), ("gke", "ec2")):
        waited_for = {name for name in dev.after(f"{mesh}-gateway") if name.startswith(f"{other}-")}
        assert not waited_for, f"{mesh} waits for {waited_for}"


def test_no_key_and_no_kubeconfig_is_in_the_clear(dev: Recording) -> None:
    for resource in dev.resources.values():
        clear = {name: value for name, value in resource.inputs.items() if name not in resource.secrets}
        assert not re.search(r"key of |client-key-data|PRIVATE KEY", str(clear)), f"{resource.name} shows a key"
    for mesh in ("ec2", "gke"):
        assert "kubeconfig" in dev[f"{mesh}-kubernetes"].secrets


def test_every_rule_of_the_policy_pack_is_kept(dev: Recording) -> None:
    assert violations_of(dev) == []


def test_the_ranges_of_both_clouds_lie_apart() -> None:
    checked = settings.validate(dev_stack.documented())
    ranges = [
        value
        for mesh in checked.meshes.values()
        for name, value in mesh.cluster.model_dump().items()
        if name.endswith("_cidr")
    ]
    assert not list(_overlapping(ranges))


def _overlapping(ranges: list[str]) -> Iterable[tuple[str, str]]:
    for index, one in enumerate(ranges):
        for other in ranges[index + 1 :]:
            if networks.IPv4Network(one).overlaps(networks.IPv4Network(other)):
                yield one, other
