"""The root and the intermediates: what is asked of the TLS provider, and what a brought root changes."""

from datetime import UTC, datetime

import pytest
from authorities import new_key, request
from certificates import PEM
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from recording import Recording, record, recorded

from components.trust import brought_root
from components.trust.ca import fingerprint, whole_seconds

LOCAL = {"cluster": {"kind": "local"}}
SINGLE_MESH = {"kind": "single-mesh", "network": "gateways"}
CONFIG = {
    "meshes": {"east": LOCAL},
    "trust": {"root_days": 100, "intermediate_days": 30},
    "sample": False,
}
CA_USES = ["cert_signing", "crl_signing", "digital_signature"]


@pytest.mark.parametrize("name", ["root-key", "east-ca"])
def test_keys_are_ecdsa_p256(name: str) -> None:
    assert recorded(CONFIG)[name].inputs == {"algorithm": "ECDSA", "ecdsaCurve": "P256"}


def test_the_root_signs_cas_that_sign_no_further_ones() -> None:
    inputs = recorded(CONFIG)["root-certificate"].inputs
    assert inputs["isCaCertificate"] is True
    assert inputs["maxPathLength"] == 1
    assert inputs["allowedUses"] == CA_USES


@pytest.mark.parametrize(
    ("config", "trust_domains"),
    [
        ({}, {"east": "east.mesh"}),
        (
            {"meshes": {"east": LOCAL | {"trust_domain": "shop.example"}, "west": LOCAL}},
            {"east": "shop.example", "west": "west.mesh"},
        ),
        (
            {"meshes": {"east": LOCAL, "west": LOCAL}, "topology": SINGLE_MESH},
            dict.fromkeys(("east", "west"), "single.mesh"),
        ),
    ],
    ids=["one mesh", "two meshes", "one mesh over two clusters"],
)
def test_every_ca_is_confined_to_the_trust_domain_that_it_serves(config: dict, trust_domains: dict[str, str]) -> None:
    assert constrained(recorded(CONFIG | config)) == trust_domains


def test_a_ca_of_another_stack_is_confined_to_what_this_one_says() -> None:
    issues = {"north": {}, "south": {"trust_domain": "s"}}
    asking = {mesh: {"requests": {mesh: request(new_key())}} for mesh in issues}
    domains = {"east": "east.mesh", "north": "north.mesh", "south": "s"}
    assert constrained(recorded(CONFIG | {"trust": {"issues": issues}}, stacks=asking)) == domains


def constrained(recording: Recording) -> dict[str, str]:
    certificates = recording.of("IntermediateCertificate")
    return {one.name.removesuffix("-certificate"): one.inputs["trust_domain"] for one in certificates}


def test_no_key_that_may_have_an_unconstrained_certificate_is_used_again() -> None:
    assert "east-key" not in recorded(CONFIG).resources


def test_the_root_stays_the_same_in_a_stack_of_another_name() -> None:
    recording = recorded(CONFIG)
    assert recording["root-certificate"].inputs["subject"] == {"commonName": "multimesh root", "organization": "test"}
    assert recording.ignored[recording["root-certificate"].urn] == ["subject"]


def test_the_root_is_renewed_before_an_intermediate_could_outlive_it() -> None:
    root = recorded(CONFIG)["root-certificate"].inputs
    intermediate = recorded(CONFIG)["east-certificate"].inputs
    assert root["validityPeriodHours"] == 100 * 24
    assert root["earlyRenewalHours"] > intermediate["validity_hours"]


def test_an_intermediate_is_renewed_in_the_last_third_of_its_life() -> None:
    inputs = recorded(CONFIG)["east-certificate"].inputs
    assert (inputs["validity_hours"], inputs["early_renewal_hours"]) == (720, 240)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2027-11-25T21:26:27.13257437Z", "2027-11-25T21:26:27Z"),
        ("2027-11-25T23:26:27+02:00", "2027-11-25T21:26:27Z"),
        ("2027-11-25T21:26:27Z", "2027-11-25T21:26:27Z"),
    ],
)
def test_times_are_whole_seconds_in_utc_whichever_plugin_gives_them(given: str, expected: str) -> None:
    assert whole_seconds(given) == expected


def test_no_output_has_the_nanoseconds_of_the_official_plugin() -> None:
    assert recorded(CONFIG).outputs["meshes"]["east"]["ca_expires"] == "2036-01-01T00:00:00Z"


def test_istiod_gets_its_chain_up_to_the_root() -> None:
    cacerts = recorded(CONFIG)["east-cacerts"].inputs["stringData"]
    assert cacerts["ca-key.pem"] == "key of east-ca"
    assert cacerts["cert-chain.pem"] == cacerts["ca-cert.pem"] + cacerts["root-cert.pem"]


def test_istiod_is_another_pod_under_another_root() -> None:
    annotations = recorded(CONFIG)["east-istiod"].inputs["values"]["podAnnotations"]
    assert annotations == {"multimesh/root-ca": fingerprint(PEM)}


def test_a_brought_root_signs_and_nothing_of_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = with_root(monkeypatch, between="")
    assert not [name for name in recording.resources if name.startswith("root-")]
    assert recording["east-certificate"].inputs["root_pem"] == "the CA that signs"
    assert recording.outputs["root_ca"] == PEM
    assert recording["east-cacerts"].inputs["stringData"]["cert-chain.pem"] == PEM + PEM


def test_no_resource_has_the_key_of_a_brought_root(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = with_root(monkeypatch, between="")["east-certificate"].inputs
    assert inputs["root_key_file"] == "b.pem"
    assert "root_key_pem" not in inputs


def test_istiod_gets_the_cas_between_its_own_and_an_offline_root(monkeypatch: pytest.MonkeyPatch) -> None:
    cacerts = with_root(monkeypatch, between="issuing\n")["east-cacerts"].inputs["stringData"]
    assert cacerts["cert-chain.pem"] == PEM + "issuing\n" + PEM
    assert (cacerts["ca-cert.pem"], cacerts["root-cert.pem"]) == (PEM, PEM)


def with_root(monkeypatch: pytest.MonkeyPatch, between: str) -> Recording:
    end = datetime(2040, 1, 1, tzinfo=UTC)
    brought = brought_root.BroughtRoot("a.pem", "b.pem", "the CA that signs", between, PEM, end, end)
    monkeypatch.setattr(brought_root, "load", lambda *_: brought)
    monkeypatch.setattr(brought_root.BroughtRoot, "excluded", lambda *_: None)
    return record({**CONFIG, "trust": {"root": {"certificate": "a.pem", "key": "b.pem"}}})


def test_the_fingerprint_is_as_openssl_prints_it() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime(2026, 1, 1))
        .not_valid_after(datetime(2027, 1, 1))
        .sign(key, hashes.SHA256())
    )
    expected = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    assert fingerprint(certificate.public_bytes(Encoding.PEM).decode()) == expected
