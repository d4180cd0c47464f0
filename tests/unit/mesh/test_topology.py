"""The topologies: each cluster's role, and the whole program in each of them."""

from typing import Any

import pytest
import yaml
from certificates import PEM
from recording import Recording, recorded
from stack_settings import KUBECONFIG
from syrupy.assertion import SnapshotAssertion

from components import settings
from components.clusters.cluster import Exposure
from components.clusters.existing import preflight
from components.mesh import discovery, primary_remote, single_mesh
from components.mesh import roles as mesh_roles
from components.mesh.roles import Role

LOCAL = {"cluster": {"kind": "local"}}
ECHO = {"name": "echo", "namespace": "demo", "port": 80, "ingress_hosts": ["*"], "service_account": "echo"}
GATEWAYS = {"kind": "single-mesh", "network": "gateways"}
FLAT = {"kind": "single-mesh", "network": "flat"}
ONE = {"control_plane": "one", "primary": "west"}
address_type = primary_remote.address_type
EXPOSED = Exposure("NodePort", "10.0.0.2", 31443, 30080)


@pytest.fixture(autouse=True)
def _addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the names that the mocks give as addresses for IP addresses."""
    monkeypatch.setattr(primary_remote, "address_type", lambda _address: "IPv4")


def config(form: dict[str, Any], *clusters: str, **service: Any) -> dict[str, Any]:
    meshes = dict.fromkeys(clusters or ("east", "west"), LOCAL)
    return {"meshes": meshes, "services": [ECHO | service], "topology": form}


def roles(form: dict[str, Any], *clusters: str) -> dict[str, Role]:
    stack = settings.validate(config(form, *clusters))
    return mesh_roles.roles(
        stack.topology, list(stack.meshes), {name: stack.trust_domains(name) for name in stack.meshes}
    )


def values(recording: Recording, cluster: str) -> dict[str, Any]:
    """Return the Helm values of one cluster's releases that its role decides."""
    lab = ("resources", "autoscaleEnabled", "autoscaling", "telemetry", "imagePullPolicy")
    found = {chart: dict(recording[f"{cluster}-{chart}"].inputs["values"]) for chart in ("istiod", "gateway")}
    for chart in found.values():
        for key in lab:
            chart.pop(key, None)
        for key in ("hub", "tag", "imagePullPolicy", "proxy"):
            chart.get("global", {}).pop(key, None)
    return found


def test_every_mesh_of_a_federation_stands_alone() -> None:
    assert roles({"kind": "multi-mesh"}) == {
        "east": Role("east", "east.mesh", federated=["west.mesh"]),
        "west": Role("west", "west.mesh", federated=["east.mesh"]),
    }


def test_a_single_mesh_is_federated_with_nobody() -> None:
    assert not any(role.federated for form in (GATEWAYS, FLAT, GATEWAYS | ONE) for role in roles(form).values())


def test_a_primary_comes_before_those_that_it_serves() -> None:
    found = roles(GATEWAYS | ONE)
    assert list(found) == ["west", "east"]
    assert (found["west"].serves, found["west"].primary) == (["east"], None)
    assert (found["east"].serves, found["east"].primary) == ([], "west")


def test_control_planes_of_one_mesh_ask_each_others_api_servers() -> None:
    assert {name: role.read_by for name, role in roles(FLAT, "a", "b", "c").items()} == {
        "a": ["b", "c"],
        "b": ["a", "c"],
        "c": ["a", "b"],
    }


def test_what_a_proxy_asks_for_only_when_it_starts_differs_between_all_topologies() -> None:
    forms = [{"kind": "multi-mesh"}, GATEWAYS, FLAT, GATEWAYS | ONE, FLAT | ONE]
    joined = [roles(form)["east"].joined for form in forms]
    assert len(set(joined)) == len(forms)


@pytest.mark.parametrize(
    ("form", "clusters"),
    [
        ({"kind": "single-cluster"}, ["east"]),
        (GATEWAYS, ["east", "west"]),
        (FLAT, ["east", "west"]),
        (GATEWAYS | ONE, ["east", "west"]),
        (FLAT | ONE, ["east", "west"]),
    ],
    ids=["single cluster", "gateways", "flat", "gateways, one", "flat, one"],
)
def test_a_topology(form: dict[str, Any], clusters: list[str], snapshot: SnapshotAssertion) -> None:
    recording = recorded(config(form, *clusters))
    rendered = {
        name: {"objects": recording.istio_objects(name), "values": values(recording, name)} for name in clusters
    }
    assert rendered == snapshot


def test_a_weighted_split_of_a_single_mesh_is_by_cluster(snapshot: SnapshotAssertion) -> None:
    recording = recorded(config(GATEWAYS, split="weighted", meshes={"east": 80, "west": 20}))
    assert {name: spec for name, spec in recording.istio_objects("east").items() if "/echo.demo" in name} == snapshot


def test_the_outputs_are_those_of_every_topology() -> None:
    outputs = recorded(config(GATEWAYS | ONE)).outputs
    assert outputs["services"] == {"echo.demo.global": {"east": 1, "west": 1}}
    assert {mesh["trust_domain"] for mesh in outputs["meshes"].values()} == {"single.mesh"}
    assert outputs["meshes"].keys() == {"east", "west"}


def test_a_cluster_that_a_primary_serves_has_no_ca_of_its_own() -> None:
    recording = recorded(config(GATEWAYS | ONE))
    assert "west-cacerts" in recording.resources
    assert not {"east-cacerts", "east-certificate"} & recording.resources.keys()


@pytest.mark.parametrize(
    "earlier", ["west-gateway", "west-istiod-route", "east-remote-in-west", "east-primary-endpoints"]
)
@pytest.mark.parametrize("later", ["east-gateway", "east-echo-deployment"])
def test_pods_wait_until_the_primary_serves_their_cluster(earlier: str, later: str) -> None:
    assert earlier in recorded(config(GATEWAYS | ONE)).after(later)


def test_tokens_are_secret_wherever_they_are() -> None:
    recording = recorded(config(GATEWAYS))
    given = recording["east-remote-in-west"]
    assert "stringData" in given.secrets
    document = yaml.safe_load(given.inputs["stringData"]["east"])
    assert document["users"] == [{"name": "east", "user": {"token": "a token of east-remote-token"}}]
    for resource in recording.resources.values():
        clear = {name: value for name, value in resource.inputs.items() if name not in resource.secrets}
        assert "a token of" not in str(clear), f"{resource.name} shows a token"


def test_a_token_is_another_one_once_the_ca_is_renewed() -> None:
    assert discovery.token_name("2027-01-01T00:00:00Z") != discovery.token_name("2028-01-01T00:00:00Z")


@pytest.mark.parametrize("controlled", [False, True])
def test_who_reads_a_cluster_changes_little_in_it(controlled: bool) -> None:
    writing = {
        (resource, verb)
        for rule in discovery.rules(controlled=controlled)
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if verb not in ("get", "list", "watch")
    }
    wanted = {
        ("tokenreviews", "create"),
        ("configmaps", "create"),
        ("configmaps", "update"),
        ("mutatingwebhookconfigurations", "patch"),
        ("mutatingwebhookconfigurations", "update"),
    }
    assert writing == (wanted if controlled else set())


GATEWAY = {"service": "NodePort", "address": "10.0.0.1"}


def rules_for_istiod(recording: Recording) -> list[Any]:
    """Return the rules of the primary's gateway about istiod's ports."""
    rules = recording["west-gateway-ports"].inputs["spec"]["rules"]
    return [rule for rule in rules if rule["to"][0]["operation"].get("ports") == ["15012", "15017"]]


@pytest.mark.parametrize("form", [GATEWAYS | ONE, FLAT | ONE], ids=["gateways", "flat"])
def test_istiod_is_reached_through_the_primarys_gateway_from_the_served_clusters_alone(form: dict[str, Any]) -> None:
    recording = recorded(config(form, "east", "west", "north"))
    served = ["east-lab.address/32", "north-lab.address/32"]
    [rule] = rules_for_istiod(recording)
    assert rule["from"] == [{"source": {"notIpBlocks": served}}]
    assert recording["west-gateway"].inputs["values"]["service"]["externalTrafficPolicy"] == "Local"
    for cluster in ("east", "north"):
        assert "externalTrafficPolicy" not in recording[f"{cluster}-gateway"].inputs["values"]["service"]


@pytest.fixture
def primary_that_exists(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A stack whose primary is a cluster that exists already."""
    monkeypatch.setattr(preflight, "missing", lambda _settings, **_created: ())
    stack = config(GATEWAYS | ONE)
    cluster = {"kind": "existing", "kubeconfig": KUBECONFIG, "gateway": GATEWAY}
    return stack | {"meshes": stack["meshes"] | {"west": {"cluster": cluster}}}


def test_a_primary_that_exists_already_admits_the_networks_that_are_listed(
    primary_that_exists: dict[str, Any],
) -> None:
    stack = primary_that_exists | {"topology": GATEWAYS | ONE | {"served_from": ["198.51.100.0/24"]}}
    assert settings.validate(stack).notes() == []
    recording = recorded(stack)
    [rule] = rules_for_istiod(recording)
    assert rule["from"] == [{"source": {"notIpBlocks": ["198.51.100.0/24"]}}]
    assert recording["west-gateway"].inputs["values"]["service"]["externalTrafficPolicy"] == "Local"


def test_without_them_nothing_is_restricted_and_a_line_says_so(primary_that_exists: dict[str, Any]) -> None:
    [note] = settings.validate(primary_that_exists).notes()
    assert note.startswith("multimesh:topology: who reaches the gateway of west reaches istiod there, at ports 15012 ")
    recording = recorded(primary_that_exists)
    assert rules_for_istiod(recording) == []
    assert "externalTrafficPolicy" not in recording["west-gateway"].inputs["values"]["service"]


def test_the_primarys_gateway_is_reached_at_its_node_ports_or_at_the_load_balancer() -> None:
    assert [port["port"] for port in primary_remote.istiod_endpoints(EXPOSED)] == [31012, 31017]
    assert [port["port"] for port in primary_remote.istiod_endpoints(Exposure())] == [15012, 15017]


def test_a_primary_behind_ports_that_are_not_forwarded_to_istiod_cannot_serve_others() -> None:
    exposure = Exposure("NodePort", "10.0.0.2", 15443, 80, node_port=31443, ingress_node_port=30080)
    with pytest.raises(
        primary_remote.UnusablePrimaryError, match="at port 15443, which is forwarded to node port 31443"
    ):
        primary_remote.istiod_endpoints(exposure)


def test_a_primary_with_a_dns_name_cannot_serve_others() -> None:
    assert address_type("2001:db8::1") == "IPv6"
    message = r"address a\.elb\.amazonaws\.com: with control_plane: one it must have an IP address"
    with pytest.raises(primary_remote.UnusablePrimaryError, match=message):
        address_type("a.elb.amazonaws.com")


def test_gateways_whose_address_is_not_known_yet_are_left_to_istiod() -> None:
    found = single_mesh.networks({"east": EXPOSED, "west": Exposure()})
    assert found == {"east": {"endpoints": [], "gateways": [{"address": "10.0.0.2", "port": 31443}]}}


def test_nothing_of_a_single_mesh_spans_clusters_unless_it_is_listed() -> None:
    [rest, listed] = single_mesh.istiod_values(Role("east", "a"), {}, ["b.c.svc.cluster.local"])["meshConfig"][
        "serviceSettings"
    ]
    assert (rest["settings"]["clusterLocal"], rest["hosts"]) == (True, ["*.svc.cluster.local"])
    assert (listed["settings"]["clusterLocal"], listed["hosts"]) == (False, ["b.c.svc.cluster.local"])


def test_the_kubeconfig_of_a_reader_has_a_token_and_nothing_of_the_administrator() -> None:
    administrators = yaml.safe_dump(
        {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "it", "user": "admin"}}],
            "clusters": [{"name": "it", "cluster": {"server": "https://it:6443", "certificate-authority-data": PEM}}],
            "users": [{"name": "admin", "user": {"client-key-data": "hunter2"}}],
        }
    )
    text = discovery.kubeconfig(administrators, "east", "token")
    assert "hunter2" not in text
    document = yaml.safe_load(text)
    assert document["clusters"] == [
        {"name": "east", "cluster": {"server": "https://it:6443", "certificate-authority-data": PEM}}
    ]
    assert document["current-context"] == "east"
