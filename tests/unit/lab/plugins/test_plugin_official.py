"""The stand-ins, held against replies that were noted of the official plugins: official.yaml."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from plugin_api_server import ApiServer
from plugin_helm import INPUTS, RELEASE, URN, FakeHelm, recorded
from plugin_requests import check, configured, create, read, secret, service

from lab.plugins.kubernetes.provider import Kubernetes
from lab.plugins.protocol import provider_pb2
from lab.plugins.server import PluginError
from lab.plugins.tls.provider import Tls
from lab.plugins.values import Secret, decode, encode

OFFICIAL: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("official.yaml").read_text())
KUBERNETES, TLS = OFFICIAL["kubernetes"], OFFICIAL["tls"]


@pytest.fixture
def provider(server: ApiServer) -> Kubernetes:
    return configured(kubeconfig=server.kubeconfig, skipUpdateUnreachable="true")


def root(private_key: str) -> dict[str, Any]:
    inputs = {
        "privateKeyPem": private_key,
        "isCaCertificate": True,
        "allowedUses": ["cert_signing"],
        "validityPeriodHours": 1,
        "subject": {"commonName": "Root CA"},
    }
    urn = "urn:pulumi:test::multimesh::tls:index/selfSignedCert:SelfSignedCert::root"
    return decode(Tls().create(provider_pb2.CreateRequest(urn=urn, properties=encode(inputs))).properties)


def private_key(before: str = "") -> str:
    made = ec.generate_private_key(ec.SECP256R1())
    return before + made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def test_a_release_whose_name_is_in_use_is_refused_in_helms_words(
    provider: Kubernetes, server: ApiServer, helm: FakeHelm, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(server, "deployed")
    monkeypatch.setenv("HELM_FAILS", "install")
    monkeypatch.setenv("HELM_ERROR", f"INSTALLATION FAILED: {KUBERNETES['release whose name is in use']}")
    request = provider_pb2.CreateRequest(urn=URN, properties=encode(INPUTS))

    with pytest.raises(PluginError, match=KUBERNETES["release whose name is in use"]):
        provider.create(request)
    assert "upgrade" not in helm.verbs, "the stand-in takes nothing over"


def test_an_object_that_exists_is_refused(provider: Kubernetes) -> None:
    create(provider, service())

    with pytest.raises(PluginError, match=KUBERNETES["object that exists"]):
        create(provider, service())


def test_a_cluster_whose_storage_is_gone_fails_each_read(provider: Kubernetes, server: ApiServer) -> None:
    server.storage = False

    for _ in range(2):
        with pytest.raises(PluginError, match=KUBERNETES["read of a cluster whose storage is gone"]):
            read(provider, service(), service())


@pytest.mark.usefixtures("helm")
def test_a_release_has_no_inputs_that_the_official_plugin_does_not_have(provider: Kubernetes) -> None:
    inputs = check(provider, INPUTS, RELEASE)

    assert not {*KUBERNETES["inputs that a release never has"]} & inputs.keys()


def test_string_data_of_a_secret_becomes_data(provider: Kubernetes) -> None:
    given, kept = KUBERNETES["secret"]["given"], KUBERNETES["secret"]["kept"]
    hidden = {name: Secret(value) for name, value in given.items()}

    inputs = check(provider, secret(**hidden), "core/v1:Secret")

    assert {name: inputs[name] for name in (*given, *kept) if name in inputs} == {
        name: Secret(value) for name, value in kept.items()
    }


def test_times_of_validity_are_written_alike() -> None:
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"

    assert re.fullmatch(form, TLS["time of validity"])
    certificate = root(private_key())
    assert re.fullmatch(form, certificate["validityEndTime"])
    assert re.fullmatch(form, certificate["validityStartTime"])


def test_a_key_after_its_parameters_is_refused() -> None:
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"

    with pytest.raises(PluginError, match=TLS["key after its parameters"]):
        root(private_key(parameters))
