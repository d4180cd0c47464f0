"""A mesh whose control plane somebody else runs: what the program makes there, and what it leaves alone."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from authorities import Authority, root
from recording import Recording, record
from stack_settings import ECHO, KUBECONFIG, LOCAL

from components.clusters.existing import preflight
from components.federation import joined
from components.mesh.control_plane import Found
from components.schema.problems import SettingsError
from components.trust.found_ca import Certificates
from multimesh.contract import StackOutputs
from multimesh.control_plane import ControlPlane

PLANE = ControlPlane(
    namespace="mesh", root_namespace="mesh-config", revision="stable", gateway="multimesh-gateway", installed=False
)
OWNED = root()
CONFIG = {
    "trustDomain": "shop.example",
    "caCertificates": [{"pem": OWNED.certificate, "trustDomains": ["west.mesh"]}],
    "defaultConfig": {"proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"}},
}


@pytest.fixture(autouse=True)
def _answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(preflight, "missing", lambda _settings, **_given: ())
        yield


@pytest.fixture
def pki(tmp_path: Any) -> dict[str, str]:
    (tmp_path / "root.pem").write_text(OWNED.certificate)
    (tmp_path / "root.key").write_text(OWNED.key_pem)
    (tmp_path / "root.key").chmod(0o600)
    return {"certificate": str(tmp_path / "root.pem"), "key": str(tmp_path / "root.key")}


def found(ca: Authority | None = None, **mesh_config: Any) -> Found:
    ca = ca or OWNED.below("east", path_length=0)
    return Found(PLANE, "istiod-stable", 1, CONFIG | mesh_config, Certificates(OWNED.certificate, ca.certificate))


def recorded(
    monkeypatch: pytest.MonkeyPatch, pki: dict[str, str], seen: Found, trust_domain: str | None = "shop.example"
) -> Recording:
    monkeypatch.setattr(joined.preflight, "look", lambda _settings, _at: seen)
    gateway = {"service": "NodePort", "address": "192.0.2.1"}
    east = {"cluster": {"kind": "existing", "kubeconfig": KUBECONFIG, "gateway": gateway}, "istio": {"install": False}}
    east |= {"trust_domain": trust_domain} if trust_domain else {}
    services = [ECHO | {"meshes": {"east": 1, "west": 1}, "ingress_hosts": ["*"]}]
    return record({"meshes": {"east": east, "west": LOCAL}, "services": services, "trust": {"root": pki}})


def test_its_control_plane_and_its_ca_are_left_alone(monkeypatch: pytest.MonkeyPatch, pki: dict[str, str]) -> None:
    made = {name for name in recorded(monkeypatch, pki, found()).resources if name.startswith("east-")}
    assert {"east-gateway", "east-peer-gateway", "east-ingress-gateway", "east-services"} <= made
    left = ("istio-system", "base", "istiod", "cacerts", "ca", "certificate", "strict", "istiod-ports", "own")
    assert made & {f"east-{name}" for name in left} == set()


def test_its_gateway_joins_the_revision_in_the_root_namespace(
    monkeypatch: pytest.MonkeyPatch, pki: dict[str, str]
) -> None:
    recording = recorded(monkeypatch, pki, found())
    gateway = recording["east-gateway"].inputs
    assert (gateway["name"], gateway["namespace"]) == ("multimesh-gateway", "mesh-config")
    assert gateway["values"]["revision"] == "stable"
    assert "multimesh/owner" in gateway["values"]["podAnnotations"]
    for name in ("east-peer-gateway", "east-ingress-gateway"):
        assert recording[name].inputs["metadata"]["namespace"] == "mesh-config"
        assert recording[name].inputs["spec"]["selector"] == {"istio": "multimesh-gateway"}
    policy = recording["east-gateway-ports"].inputs
    assert policy["metadata"]["namespace"] == "mesh-config"
    assert policy["spec"]["action"] == "DENY"
    assert policy["spec"]["selector"] == {"matchLabels": {"istio": "multimesh-gateway"}}


def test_the_other_mesh_accepts_its_identities(monkeypatch: pytest.MonkeyPatch, pki: dict[str, str]) -> None:
    config = recorded(monkeypatch, pki, found())["west-istiod"].inputs["values"]["meshConfig"]
    assert config["caCertificates"][0]["trustDomains"] == ["shop.example"]


def test_the_sample_has_the_revisions_label(monkeypatch: pytest.MonkeyPatch, pki: dict[str, str]) -> None:
    recording = recorded(monkeypatch, pki, found())
    labels = {mesh: recording[f"{mesh}-echo-namespace"].inputs["metadata"]["labels"] for mesh in ("east", "west")}
    assert labels["east"]["istio.io/rev"] == "stable"
    assert "istio-injection" not in labels["east"]
    assert labels["west"]["istio-injection"] == "enabled"


def test_the_outputs_say_where_its_control_plane_is(monkeypatch: pytest.MonkeyPatch, pki: dict[str, str]) -> None:
    outputs = StackOutputs.model_validate(recorded(monkeypatch, pki, found()).outputs)
    assert outputs.meshes["east"].control_plane == PLANE
    assert outputs.meshes["west"].control_plane.installed


def test_identities_that_this_mesh_alone_takes_for_its_own_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said = list[str]()
    monkeypatch.setattr(joined.pulumi.log, "warn", said.append)
    list(joined.notes({"east": found(trustDomainAliases=["old.example"])}))
    assert [line for line in said if "takes identities of old.example for its own" in line]
    said.clear()
    list(joined.notes({"east": found()}))
    assert not [line for line in said if "for its own" in line]


@pytest.mark.parametrize(
    ("seen", "trust_domain", "line"),
    [
        (found(caCertificates=[]), "shop.example", "east.istio.install: false: its proxies would refuse the trust"),
        (found(root().below("east")), "shop.example", "east.istio.install: false: mesh/istiod-stable signs with a CA"),
        (found(), None, "east.trust_domain: 'east.mesh': is shop.example in mesh/istiod-stable"),
        (
            replace(found(), plane=PLANE.model_copy(update={"cluster_domain": "corp.internal"})),
            "shop.example",
            "east.cluster.dns_domain: 'cluster.local': is corp.internal in mesh/istiod-stable",
        ),
    ],
)
def test_what_it_lacks_is_said_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, pki: dict[str, str], seen: Found, trust_domain: str | None, line: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        recorded(monkeypatch, pki, seen, trust_domain)
    assert f"multimesh:meshes.{line}" in str(caught.value)
