"""A control plane that somebody else runs: what is read of it, and what federation lacks, key by key."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from components.mesh.control_plane import Found, NotJoinedError, find, lacks
from components.trust.found_ca import Certificates
from multimesh.control_plane import ControlPlane

ISTIODS = "/apis/apps/v1/deployments?labelSelector=app%3Distiod"
ROOT = "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n"
CONFIG = {
    "trustDomain": "shop.example",
    "caCertificates": [{"pem": ROOT.replace("AAAA\nBBBB", "AAAABBBB"), "trustDomains": ["east.mesh", "west.mesh"]}],
    "defaultConfig": {"proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"}},
}
PLANE = ControlPlane(namespace="mesh", root_namespace="mesh", revision="stable", gateway="g", installed=False)
FOUND = Found(PLANE, "istiod-stable", 1, CONFIG, Certificates(""))
OTHERS = {"east.mesh", "west.mesh"}


def istiod(revision: str = "", namespace: str = "istio-system", **annotations: str) -> dict[str, Any]:
    env = [{"name": "PILOT_A", "value": "1"}, {"name": "POD_NAME", "valueFrom": {}}]
    return {
        "metadata": {
            "name": f"istiod-{revision}",
            "namespace": namespace,
            "labels": {"app": "istiod", "istio.io/rev": revision},
        },
        "spec": {"template": {"metadata": {"annotations": annotations}, "spec": {"containers": [{"env": env}]}}},
        "status": {"availableReplicas": 2},
    }


def data(**given: str) -> list[dict[str, Any]]:
    return [{"metadata": {}, "data": {name.replace("_", "-"): text for name, text in given.items()}}]


def found(objects: dict[str, Any], revision: str | None = None) -> Found:
    return find(lambda path: objects.get(path, []), revision)


def test_where_it_is_and_what_it_has_is_read_by_its_revision() -> None:
    core = "/api/v1/namespaces/mesh"
    secret = {"ca-cert.pem": "CA", "ca-key.pem": "KEY", "cert-chain.pem": "CHAIN"}
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in secret.items()}
    objects = {
        ISTIODS: [istiod("stable", "mesh")],
        f"{core}/configmaps/istio-stable": data(mesh=yaml.safe_dump(CONFIG | {"rootNamespace": "mesh-config"})),
        f"{core}/configmaps/istio-sidecar-injector-stable": data(
            values=json.dumps({"global": {"proxy": {"clusterDomain": "shop.local"}}})
        ),
        f"{core}/configmaps/istio-ca-root-cert": [{"metadata": {}, "data": {"root-cert.pem": ROOT}}],
        f"{core}/secrets/cacerts": [{"metadata": {}, "data": encoded}],
    }
    seen = found(objects)
    assert (seen.plane.namespace, seen.plane.root_namespace, seen.plane.revision) == ("mesh", "mesh-config", "stable")
    assert not seen.plane.installed
    assert seen.certificates == Certificates(ROOT, "CA", "CHAIN")
    assert (seen.available, seen.plane.cluster_domain, seen.env["PILOT_A"]) == (2, "shop.local", "1")
    assert "KEY" not in repr(seen)


def test_a_ca_of_cert_managers_is_read_too() -> None:
    encoded = {"tls.crt": base64.b64encode(b"CA").decode(), "tls.key": base64.b64encode(b"KEY").decode()}
    secret = {"/api/v1/namespaces/istio-system/secrets/cacerts": [{"metadata": {}, "data": encoded}]}
    assert found({ISTIODS: [istiod()], **secret}).certificates == Certificates("", "CA", "CA")


@pytest.mark.parametrize("selector", [{"matchLabels": {"mesh": "yes"}}, {"matchExpressions": [{"key": "mesh"}]}])
def test_a_root_namespace_that_istiod_selects_is_read(selector: dict[str, Any]) -> None:
    config = CONFIG | {"discoverySelectors": [{"matchLabels": {"team": "shop"}}, selector]}
    assert list(lacks(replace(FOUND, mesh_config=config, labels={"mesh": "yes"}), OTHERS, ROOT)) == []


def test_what_cannot_be_read_is_lacking_and_no_traceback() -> None:
    seen = found({ISTIODS: [istiod()], "/api/v1/namespaces/istio-system/configmaps/istio": data(mesh="{")})
    assert (seen.plane.revision, seen.plane.root_namespace) == ("default", "istio-system")
    assert any("has no MeshConfig that can be read (ConfigMap istio)" in line for line in lacks(seen, OTHERS, ROOT))


@pytest.mark.parametrize(
    ("deployments", "revision", "why"),
    [
        ([], None, "no control plane runs in the cluster"),
        ([istiod("a"), istiod("b")], None, "set istio.revision to one of a, b"),
        ([istiod("a")], "b", "no control plane of revision b runs, but a"),
        ([istiod("", "istio-system", **{"multimesh/root-ca": "AB"})], None, "is one that multimesh installed"),
    ],
)
def test_what_cannot_be_joined_is_refused(deployments: list[Any], revision: str | None, why: str) -> None:
    with pytest.raises(NotJoinedError, match=why):
        found({ISTIODS: deployments}, revision)


def test_one_of_several_is_chosen_by_its_revision() -> None:
    assert found({ISTIODS: [istiod("a"), istiod("b")]}, "b").name == "istiod-b"


def test_one_that_has_what_federation_needs_lacks_nothing() -> None:
    assert list(lacks(FOUND, OTHERS, ROOT)) == []


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"defaultConfig": {}}, "meshConfig.defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE: "),
        ({"caCertificates": []}, "trust domains east.mesh, west.mesh: set meshConfig.caCertificates: "),
        (
            {"caCertificates": [{"pem": "other", "trustDomains": ["east.mesh", "west.mesh"]}]},
            "trust domains east.mesh, west.mesh: set meshConfig.caCertificates: ",
        ),
        (
            {"caCertificates": [{"pem": ROOT, "trustDomains": ["east.mesh"]}]},
            "trust domains west.mesh: set meshConfig.caCertificates: ",
        ),
        ({"trustDomainAliases": ["west.mesh", "old"]}, "of west.mesh for its own: remove them from meshConfig.trust"),
        ({"discoverySelectors": [{"matchLabels": {"mesh": "yes"}}]}, "namespace mesh to meshConfig.discoverySelectors"),
        ({"enableAutoMtls": False}, "remove meshConfig.enableAutoMtls"),
        ({"defaultServiceExportTo": ["."]}, "add '*' to meshConfig.defaultServiceExportTo"),
        ({"defaultVirtualServiceExportTo": ["."]}, "add '*' to meshConfig.defaultVirtualServiceExportTo"),
        ({"defaultDestinationRuleExportTo": ["."]}, "add '*' to meshConfig.defaultDestinationRuleExportTo"),
    ],
)
def test_each_key_of_the_mesh_config_that_is_lacking_is_said_with_its_value(changed: dict[str, Any], key: str) -> None:
    [line] = lacks(replace(FOUND, mesh_config=CONFIG | changed), OTHERS, ROOT)
    assert key in line


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"available": 0}, "mesh/istiod-stable has no available pod"),
        ({"env": {"PILOT_ENABLE_IP_AUTOALLOCATE": "false"}}, "remove env.PILOT_ENABLE_IP_AUTOALLOCATE"),
    ],
)
def test_what_else_is_lacking_is_said(changed: dict[str, Any], why: str) -> None:
    [line] = lacks(replace(FOUND, **changed), OTHERS, ROOT)
    assert why in line
