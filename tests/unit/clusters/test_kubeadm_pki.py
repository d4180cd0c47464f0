"""The keys and certificates that a kubeadm cluster starts from."""

import base64
import functools
import re
from typing import Any

import pytest
import yaml
from certificates import PEM
from recording import Recording, record_of

from components.clusters.kubeadm import pki


@functools.cache
def made() -> Recording:
    def program() -> dict[str, Any]:
        made = pki.KubernetesPki("east", {"cluster": "shop-east"})
        files = {f"control-plane {path}": content for path, content in made.control_plane_files.items()}
        files |= {f"worker {path}": content for path, content in made.worker_files.items()}
        return {**files, "kubeconfig": made.kubeconfig("https://api.example:6443")}

    return record_of(program)


def test_a_control_plane_node_gets_every_ca_the_service_account_key_and_the_token() -> None:
    paths = {name.removeprefix("control-plane ") for name in made().outputs if name.startswith("control-plane ")}
    assert paths == {
        "token",
        "encryption.yaml",
        *(f"pki/{ca}.{kind}" for ca in ("ca", "front-proxy-ca", "etcd/ca") for kind in ("crt", "key")),
        "pki/sa.key",
        "pki/sa.pub",
    }


def test_a_worker_gets_the_token_and_the_ca_s_certificate_alone() -> None:
    assert [name for name in made().outputs if name.startswith("worker ")] == ["worker token", "worker ca.crt"]


def test_all_that_a_node_fetches_is_secret() -> None:
    assert made().secret_outputs == set(made().outputs)


def test_the_key_that_encrypts_secrets_has_32_bytes_and_is_the_same_for_the_same_secret() -> None:
    texts = [pki._encryption(secret) for secret in ("one", "one\n", "two")]
    assert texts[0] == texts[1] != texts[2]
    key = yaml.safe_load(texts[0])["resources"][0]["providers"][0]["secretbox"]["keys"][0]["secret"]
    assert len(base64.b64decode(key)) == 32


def test_the_token_is_as_kubeadm_wants_it_and_the_same_for_the_same_key() -> None:
    tokens = [pki._token(secret) for secret in ("one", "one\n", "two")]
    assert tokens[0] == tokens[1] != tokens[2]
    assert all(re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", token) for token in tokens)


@pytest.mark.parametrize("ca", ["east-ca", "east-front-proxy-ca", "east-etcd-ca"])
def test_each_ca_signs_with_a_key_of_its_own_for_ten_years(ca: str) -> None:
    inputs = made()[ca].inputs
    assert inputs["isCaCertificate"] is True
    assert inputs["privateKeyPem"] == f"key of {ca}-key"
    assert inputs["validityPeriodHours"] == 3650 * 24
    assert "earlyRenewalHours" not in inputs


def test_the_administrator_is_a_client_that_can_be_revoked_and_is_renewed() -> None:
    request, signed = made()["east-admin-request"].inputs, made()["east-admin"].inputs
    assert request["subject"]["organization"] == "kubeadm:cluster-admins"
    assert "client_auth" in signed["allowedUses"]
    assert signed["earlyRenewalHours"] * 3 == signed["validityPeriodHours"]


def test_the_kubeconfig_holds_the_ca_the_certificate_and_its_key() -> None:
    kubeconfig = yaml.safe_load(made().outputs["kubeconfig"])
    cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
    assert cluster["server"] == "https://api.example:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]).decode() == PEM
    assert base64.b64decode(user["client-certificate-data"]).decode() == PEM
    assert base64.b64decode(user["client-key-data"]).decode() == "key of east-admin-key"
    assert kubeconfig["current-context"] == kubeconfig["contexts"][0]["name"] == "shop-east"


def test_every_key_and_certificate_is_a_child_of_the_component() -> None:
    component = made()["KubernetesPki east"]
    assert {resource.parent for resource in made().resources.values() if resource is not component} == {component.urn}
