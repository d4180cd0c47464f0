"""The stand-in for pulumi-tls, asked as the engine asks it."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from lab.plugins.protocol import provider_pb2
from lab.plugins.server import PluginError
from lab.plugins.tls.provider import Tls
from lab.plugins.values import UNKNOWN, Properties, Secret, decode, encode, reveal

CA_USES = ["cert_signing", "crl_signing", "digital_signature"]


def urn(kind: str) -> str:
    return f"urn:pulumi:test::multimesh::multimesh:index:Trust$tls:index/{kind[0].lower()}{kind[1:]}:{kind}::name"


def create(kind: str, **inputs: Any) -> Properties:
    response = Tls().create(provider_pb2.CreateRequest(urn=urn(kind), properties=encode(inputs)))
    return decode(response.properties) | {"id": response.id}


def key(algorithm: str = "ECDSA", **inputs: Any) -> Properties:
    return create("PrivateKey", algorithm=algorithm, **({"ecdsaCurve": "P256"} | inputs))


def root(of: Properties, **inputs: Any) -> Properties:
    defaults = {"isCaCertificate": True, "allowedUses": CA_USES, "validityPeriodHours": 48, "setSubjectKeyId": True}
    subject = {"commonName": "Root CA", "organization": "multimesh"}
    return create("SelfSignedCert", **{"privateKeyPem": of["privateKeyPem"], "subject": subject} | defaults | inputs)


def request(of: Properties, **inputs: Any) -> str:
    inputs = {"subject": {"commonName": "Intermediate CA"}} | inputs
    return create("CertRequest", privateKeyPem=of["privateKeyPem"], **inputs)["certRequestPem"]


def signed(by: Properties, by_key: Properties, csr: str, **inputs: Any) -> Properties:
    defaults = {"allowedUses": CA_USES, "validityPeriodHours": 24}
    ca = {"caCertPem": by["certPem"], "caPrivateKeyPem": by_key["privateKeyPem"], "certRequestPem": csr}
    return create("LocallySignedCert", **ca | defaults | inputs)


def parsed(certificate: Properties) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate["certPem"].encode())


def diff(kind: str, state: Properties, old: Properties, new: Properties) -> provider_pb2.DiffResponse:
    request = provider_pb2.DiffRequest(urn=urn(kind), olds=encode(state), old_inputs=encode(old), news=encode(new))
    return Tls().diff(request)


@pytest.mark.parametrize(
    ("algorithm", "headers"),
    [("ECDSA", "EC PRIVATE KEY"), ("RSA", "RSA PRIVATE KEY"), ("ED25519", "PRIVATE KEY")],
)
def test_a_private_key_is_in_its_traditional_format(algorithm: str, headers: str) -> None:
    assert reveal(key(algorithm)["privateKeyPem"]).startswith(f"-----BEGIN {headers}-----")


@pytest.mark.parametrize("algorithm", ["ECDSA", "RSA", "ED25519"])
@pytest.mark.parametrize("output", ["privateKeyPem", "privateKeyPemPkcs8"])
def test_every_format_of_a_private_key_holds_the_key_of_its_public_part(algorithm: str, output: str) -> None:
    made = key(algorithm)
    private = serialization.load_pem_private_key(reveal(made[output]).encode(), None)

    assert private.public_key() == serialization.load_pem_public_key(made["publicKeyPem"].encode())


@pytest.mark.parametrize("output", ["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"])
def test_private_keys_are_secrets(output: str) -> None:
    assert isinstance(key()[output], Secret)


@pytest.mark.needs("ssh-keygen")
def test_the_openssh_fingerprint_is_what_ssh_keygen_says(tmp_path: Path) -> None:
    made, file = key("ED25519"), tmp_path / "key.pub"
    file.write_text(made["publicKeyOpenssh"])
    answer = subprocess.run(["ssh-keygen", "-lf", file], capture_output=True, text=True, check=True)

    assert made["publicKeyFingerprintSha256"] in answer.stdout


def test_a_key_on_a_curve_that_openssh_lacks_has_no_openssh_form() -> None:
    assert key(ecdsaCurve="P224")["publicKeyOpenssh"] == ""


def test_the_key_given_to_a_certificate_stays_secret_even_when_it_comes_in_the_clear() -> None:
    made = key()
    certificate = root(made, privateKeyPem=reveal(made["privateKeyPem"]))

    assert isinstance(certificate["privateKeyPem"], Secret)


def test_a_write_only_key_never_enters_the_state() -> None:
    made = key()
    inputs = {"privateKeyPemWo": made["privateKeyPem"], "privateKeyPemWoVersion": 1}
    state = create("SelfSignedCert", allowedUses=CA_USES, validityPeriodHours=1, subject={"commonName": "x"}, **inputs)

    assert reveal(made["privateKeyPem"]) not in str(reveal(state))


@pytest.fixture
def chain() -> dict[str, Properties]:
    """A root, an intermediate of path length 0, and a workload's certificate, each with another kind of key."""
    root_key, intermediate_key, leaf_key = key(), key("RSA"), key("ED25519")
    anchor = root(root_key)
    intermediate = signed(anchor, root_key, request(intermediate_key), isCaCertificate=True, maxPathLength=0)
    csr = request(leaf_key, subject={}, dnsNames=["echo.demo"], uris=["spiffe://east.mesh/ns/demo/sa/echo"])
    leaf = signed(intermediate, intermediate_key, csr, allowedUses=["digital_signature", "client_auth"])
    return {"root": anchor, "intermediate": intermediate, "leaf": leaf}


def openssl(folder: Path, chain: dict[str, Properties]) -> str:
    for name, certificate in chain.items():
        (folder / name).write_text(certificate["certPem"])
    command = ["openssl", "verify", "-x509_strict", "-CAfile", "root", "-untrusted", "intermediate", "leaf"]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return answer.stdout + answer.stderr


@pytest.mark.needs("openssl")
def test_openssl_accepts_the_chain(tmp_path: Path, chain: dict[str, Properties]) -> None:
    assert openssl(tmp_path, chain) == "leaf: OK\n"


def test_cryptography_accepts_the_chain(chain: dict[str, Properties]) -> None:
    store = verification.Store([parsed(chain["root"])])
    verifier = verification.PolicyBuilder().store(store).build_client_verifier()

    assert len(verifier.verify(parsed(chain["leaf"]), [parsed(chain["intermediate"])]).chain) == 3


def test_a_request_gives_its_names_to_the_certificate(chain: dict[str, Properties]) -> None:
    names = parsed(chain["leaf"]).extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://east.mesh/ns/demo/sa/echo"]


@pytest.mark.needs("openssl")
def test_openssl_refuses_a_ca_below_path_length_zero(tmp_path: Path) -> None:
    root_key, intermediate_key = key(), key()
    anchor = root(root_key, maxPathLength=0)
    intermediate = signed(anchor, root_key, request(intermediate_key), isCaCertificate=True)
    leaf = signed(intermediate, intermediate_key, request(key(), subject={"commonName": "leaf"}))

    verdict = openssl(tmp_path, {"root": anchor, "intermediate": intermediate, "leaf": leaf})
    assert "path length constraint exceeded" in verdict


def test_path_length_is_ignored_of_what_is_no_ca() -> None:
    root_key = key()
    leaf = signed(root(root_key), root_key, request(key()), maxPathLength=0)

    constraints = parsed(leaf).extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (False, None)


def test_allowed_uses_are_the_certificates_usages() -> None:
    root_key = key()
    leaf = parsed(signed(root(root_key), root_key, request(key()), allowedUses=["digital_signature", "server_auth"]))

    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_cert_sign) == (True, False)
    extended = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(extended) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_a_certificate_names_its_issuers_key() -> None:
    root_key = key()
    anchor = root(root_key)
    leaf = parsed(signed(anchor, root_key, request(key())))

    authority = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    subject = parsed(anchor).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert authority.key_identifier == subject.digest


def test_a_ca_key_that_is_not_the_ca_certificates_is_refused() -> None:
    with pytest.raises(PluginError, match="does not match"):
        signed(root(key()), key(), request(key()))


def test_a_ca_without_a_subject_is_refused() -> None:
    with pytest.raises(PluginError, match="at least one distinguished name"):
        root(key(), subject={})


def test_what_is_no_key_is_refused_with_the_inputs_name() -> None:
    with pytest.raises(PluginError, match="private key PEM"):
        root(key(), privateKeyPem="nonsense")


def test_validity_times_are_the_certificates_and_have_fractions_of_seconds() -> None:
    certificate = root(key(), validityPeriodHours=10)

    end = datetime.fromisoformat(certificate["validityEndTime"])
    assert end.replace(microsecond=0) == parsed(certificate).not_valid_after_utc
    assert end - datetime.fromisoformat(certificate["validityStartTime"]) == timedelta(hours=10)


def test_the_id_of_a_certificate_is_its_serial_number() -> None:
    certificate = root(key())

    assert certificate["id"] == str(parsed(certificate).serial_number)


def ends_in(hours: float) -> Properties:
    end = datetime.now(UTC) + timedelta(hours=hours)
    return {"certPem": "pem", "validityEndTime": end.strftime("%Y-%m-%dT%H:%M:%SZ"), "readyForRenewal": False}


INPUTS = {"validityPeriodHours": 100, "allowedUses": CA_USES, "earlyRenewalHours": 24}


def test_a_certificate_within_its_early_renewal_is_replaced() -> None:
    assert diff("SelfSignedCert", ends_in(23), INPUTS, INPUTS).replaces == ["readyForRenewal"]


def test_a_certificate_before_its_early_renewal_is_left_alone() -> None:
    assert diff("SelfSignedCert", ends_in(25), INPUTS, INPUTS).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_an_expired_certificate_is_replaced() -> None:
    inputs = {**INPUTS, "earlyRenewalHours": 0}

    assert diff("LocallySignedCert", ends_in(-1), inputs, inputs).replaces == ["readyForRenewal"]


def test_early_renewal_alone_is_changed_in_place() -> None:
    answer = diff("SelfSignedCert", ends_in(90), INPUTS, {**INPUTS, "earlyRenewalHours": 48})

    assert (list(answer.diffs), list(answer.replaces)) == (["earlyRenewalHours"], [])


@pytest.mark.parametrize(
    ("name", "value"), [("validityPeriodHours", 1), ("isCaCertificate", True), ("subject", {"commonName": "other"})]
)
def test_any_other_change_of_a_certificate_replaces_it(name: str, value: object) -> None:
    assert diff("SelfSignedCert", ends_in(90), INPUTS, {**INPUTS, name: value}).replaces == [name]


def test_a_default_that_is_written_out_is_no_change() -> None:
    answer = diff("SelfSignedCert", ends_in(90), INPUTS, {**INPUTS, "isCaCertificate": False})

    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_key_that_becomes_secret_is_no_change() -> None:
    old, new = {**INPUTS, "privateKeyPem": "pem"}, {**INPUTS, "privateKeyPem": Secret("pem")}

    assert diff("SelfSignedCert", ends_in(90), old, new).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_signing_ca_that_is_still_to_be_renewed_replaces_what_it_signed() -> None:
    old, new = {**INPUTS, "caCertPem": "pem"}, {**INPUTS, "caCertPem": UNKNOWN}

    assert diff("LocallySignedCert", ends_in(90), old, new).replaces == ["caCertPem"]


def test_refresh_reports_a_certificate_that_is_ready_for_renewal() -> None:
    state = ends_in(1) | {"earlyRenewalHours": 2}
    answer = Tls().read(provider_pb2.ReadRequest(id="1", urn=urn("SelfSignedCert"), properties=encode(state)))

    assert decode(answer.properties)["readyForRenewal"] is True


def test_preview_knows_the_inputs_and_not_the_certificate() -> None:
    inputs = {"privateKeyPem": Secret(UNKNOWN), **INPUTS}
    properties = encode(inputs)
    request = provider_pb2.CreateRequest(urn=urn("SelfSignedCert"), properties=properties, preview=True)
    planned = decode(Tls().create(request).properties)

    assert (planned["certPem"], planned["validityPeriodHours"]) == (UNKNOWN, 100)


@pytest.mark.parametrize(
    ("kind", "inputs", "message"),
    [
        ("PrivateKey", {"algorithm": "DSA"}, "expected one of ['RSA', 'ECDSA', 'ED25519'], got 'DSA'"),
        ("PrivateKey", {}, "missing required property 'algorithm'"),
        ("CertRequest", {}, "exactly one of 'privateKeyPem' and 'privateKeyPemWo' must be set"),
        ("SelfSignedCert", {**INPUTS, "privateKeyPem": "p", "allowedUses": ["sign"]}, "got 'sign'"),
    ],
)
def test_check_names_the_input_and_what_is_allowed(kind: str, inputs: Properties, message: str) -> None:
    answer = Tls().check(provider_pb2.CheckRequest(urn=urn(kind), news=encode(inputs)))

    assert message in "; ".join(failure.reason for failure in answer.failures)


def test_a_resource_that_the_stand_in_lacks_is_a_clear_error() -> None:
    with pytest.raises(PluginError, match="has no resource tls:index/other:Other"):
        create("Other")
