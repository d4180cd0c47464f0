"""Istio's CNI node agent: where it is installed and before what, and which sidecars need an init container."""

from typing import Any

import ec2_stack
import gke_stack
import pytest
from recording import Recording, recorded
from stack_settings import ECHO, KUBECONFIG, LOCAL, single_mesh

from components import preflight
from components.clusters.cluster import Platform
from components.mesh import charts, node_agent
from components.mesh.settings import IstioSettings

AGENT = LOCAL | {"istio": {"cni": True}}
ENFORCED = "pod-security.kubernetes.io/enforce"
GATEWAY = {"service": "NodePort", "address": "192.0.2.1"}
EXISTING = {"cluster": {"kind": "existing", "kubeconfig": KUBECONFIG, "gateway": GATEWAY}}
PRIMARY = {"network": "gateways", "control_plane": "one", "primary": "east"}


@pytest.fixture
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cluster is asked whether it is ready."""
    monkeypatch.setattr(preflight, "check", lambda _settings: None)


def two(**given: Any) -> Recording:
    """Return a stack whose mesh east alone has the node agent."""
    return recorded({"meshes": {"east": AGENT, "west": LOCAL}, "services": [ECHO], **given})


def agents(recording: Recording) -> list[str]:
    return [name for name in recording.resources if name.endswith("-cni")]


def level(recording: Recording, mesh: str) -> str:
    return recording[f"{mesh}-echo-namespace"].inputs["metadata"]["labels"][ENFORCED]


def test_only_a_mesh_that_wants_it_has_the_node_agent() -> None:
    recording = two()
    assert agents(recording) == ["east-cni"]
    assert "cni" not in recording["west-istiod"].inputs["values"]
    assert "seccompProfile" not in recording["west-istiod"].inputs["values"]["global"]["proxy"]


def test_it_is_installed_where_pods_may_change_their_node() -> None:
    release = two()["east-cni"].inputs
    assert (release["namespace"], release["name"]) == ("kube-system", "istio-cni")


def test_its_release_is_known_as_the_stacks_own() -> None:
    recording = two()
    owner = recording["east-cni"].inputs["values"]["podAnnotations"]["multimesh/owner"]
    assert owner == f"{recording['east-kubernetes'].name}-id"


@pytest.mark.parametrize("later", ["east-istiod", "east-gateway", "east-echo-namespace", "east-echo-deployment"])
def test_it_is_there_before_the_workloads(later: str) -> None:
    assert "east-cni" in two().after(later)


@pytest.mark.usefixtures("anywhere")
def test_a_cluster_that_another_ones_control_plane_serves_has_its_own() -> None:
    there = EXISTING | {"istio": {"cni": True}}
    recording = recorded(single_mesh(**PRIMARY) | {"meshes": {"east": there, "west": there}})
    assert sorted(agents(recording)) == ["east-cni", "west-cni"]
    assert "west-cni" in recording.after("west-istiod")


def test_on_ec2_it_comes_after_the_pod_network() -> None:
    config = ec2_stack.config()
    config["meshes"]["east"]["istio"] = {"cni": True}
    assert "east-flannel" in recorded(config).after("east-cni")


def test_sidecars_with_it_have_no_init_container_that_changes_the_network_and_a_seccomp_profile() -> None:
    values = two()["east-istiod"].inputs["values"]
    assert values["cni"]["enabled"] is True
    assert values["global"]["proxy"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_the_sample_is_restricted_with_it_once_the_control_plane_knows_of_it() -> None:
    recording = two()
    assert (level(recording, "east"), level(recording, "west")) == ("restricted", "privileged")
    assert "east-istiod" in recording.after("east-echo-namespace")
    assert "west-istiod" not in recording.after("west-echo-namespace"), "the level is lowered before sidecars need it"


def test_the_sample_is_replaced_when_its_pods_start_in_another_way() -> None:
    recording = two()
    templates = {mesh: recording[f"{mesh}-echo-deployment"].inputs["spec"]["template"] for mesh in ("east", "west")}
    annotations = {mesh: template["metadata"]["annotations"] for mesh, template in templates.items()}
    assert annotations["east"][node_agent.WITH_AGENT] == "true"
    assert node_agent.WITH_AGENT not in annotations["west"]


@pytest.mark.usefixtures("anywhere")
def test_on_gke_plugins_are_where_its_nodes_have_them() -> None:
    west = {"cluster": gke_stack.cluster(), "istio": {"cni": True}}
    assert recorded({"meshes": {"west": west}})["west-cni"].inputs["values"]["cniBinDir"] == "/home/kubernetes/bin"


@pytest.mark.usefixtures("anywhere")
def test_in_an_existing_cluster_folders_are_those_that_are_configured() -> None:
    cluster = EXISTING["cluster"] | {"cni": {"bin_dir": "/var/lib/plugins"}}
    values = recorded({"meshes": {"east": {"cluster": cluster, "istio": {"cni": True}}}})["east-cni"].inputs["values"]
    assert (values["cniBinDir"], values["cniConfDir"]) == ("/var/lib/plugins", "/etc/cni/net.d")


def test_the_users_values_go_over_it() -> None:
    values = two(istio={"values": {"cni": {"cniConfDir": "/etc/net"}}})["east-cni"].inputs["values"]
    assert values["cniConfDir"] == "/etc/net"


def test_hub_and_tag_are_those_of_its_image_too() -> None:
    chosen = charts.chosen(Platform(), IstioSettings.model_validate({"hub": "mine", "tag": "1"}))
    assert chosen.values["cni"]["global"] == {"hub": "mine", "tag": "1"}


@pytest.mark.parametrize(
    "values", [{}, {"pilot": {"cni": {"enabled": False}}}, {"cni": {}}, {"pilot": None, "cni": None}]
)
def test_without_the_users_word_there_is_no_node_agent_of_somebody_else(values: Any) -> None:
    assert not node_agent.is_somebodys(values)


@pytest.mark.parametrize("values", [{"cni": {"enabled": True}}, {"pilot": {"cni": {"enabled": True}}}])
def test_the_node_agent_of_somebody_else_is_known_by_the_control_planes_values(values: Any) -> None:
    assert node_agent.is_somebodys(values)
