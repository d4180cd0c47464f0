"""The resource that signs a mesh's CA: what it makes, when it makes it anew, and what it does not keep."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from authorities import Authority, new_key, request, root
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from components.trust.intermediate_certificate import IntermediateCertificateProvider, ready_for_renewal
from components.trust.signing import SigningError

PROVIDER = IntermediateCertificateProvider()
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def inputs(by: Authority, **others: Any) -> dict[str, Any]:
    """As the engine hands them over: it has floats alone."""
    return {
        "request_pem": request(new_key()),
        "root_pem": by.certificate,
        "root_key_pem": by.key_pem,
        "trust_domain": "east.mesh",
        "validity_hours": 720.0,
        "early_renewal_hours": 240.0,
        **others,
    }


def made(**others: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the inputs of a certificate, and its outputs."""
    given = inputs(root(), **others)
    outputs = PROVIDER.create(given).outs
    assert outputs is not None
    return given, outputs


def parsed(outputs: dict[str, Any]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(outputs["certificate_pem"].encode())


def test_it_is_a_ca_that_signs_no_further_ones() -> None:
    extensions = parsed(made()[1]).extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.crl_sign, usage.value.key_encipherment) == (True, True, False)


def test_its_constraints_are_critical() -> None:
    found = parsed(made()[1]).extensions.get_extension_for_class(x509.NameConstraints)
    assert found.critical
    assert x509.UniformResourceIdentifier("east.mesh") in (found.value.permitted_subtrees or [])


def test_it_also_permits_the_aliases_of_its_trust_domain() -> None:
    found = parsed(made(trust_domain_aliases=["old.example"])[1]).extensions
    permitted = found.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    assert x509.UniformResourceIdentifier("old.example") in permitted


def test_it_also_permits_the_names_of_the_control_planes_revisions() -> None:
    found = parsed(made(revisions=["canary"])[1]).extensions
    names = found.get_extension_for_class(x509.NameConstraints).value
    assert x509.DNSName("istiod-canary.istio-system.svc") in (names.permitted_subtrees or [])
    assert x509.DNSName(".istiod-canary.istio-system.svc") in (names.excluded_subtrees or [])


def test_it_has_the_subject_and_the_key_of_its_request() -> None:
    given, outputs = made()
    asked = x509.load_pem_x509_csr(given["request_pem"].encode())
    assert parsed(outputs).subject == asked.subject
    assert parsed(outputs).public_key() == asked.public_key()


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["P-256", "P-384", "P-521", "RSA"],
)
@pytest.mark.parametrize("states_its_identifier", [True, False])
def test_any_root_signs(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, states_its_identifier: bool) -> None:
    identifier = b"an identifier of its own" if states_its_identifier else None
    by = root(key, identifier=identifier)
    outputs = PROVIDER.create(inputs(by)).outs
    assert outputs is not None
    certificate, issuer = parsed(outputs), x509.load_pem_x509_certificate(by.certificate.encode())
    certificate.verify_directly_issued_by(issuer)
    stated = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    computed = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
    assert stated == (identifier or computed)


def test_its_id_is_a_serial_number_that_no_other_has() -> None:
    given = inputs(root())
    first, second = PROVIDER.create(given), PROVIDER.create(given)
    assert first.outs is not None
    assert first.id == str(parsed(first.outs).serial_number)
    assert first.id != second.id


def test_its_outputs_say_how_long_it_is_valid() -> None:
    _, outputs = made()
    start, end = (datetime.fromisoformat(outputs[f"validity_{which}_time"]) for which in ("start", "end"))
    assert (parsed(outputs).not_valid_before_utc, parsed(outputs).not_valid_after_utc) == (start, end)
    assert end - start == timedelta(hours=720)
    assert abs(datetime.now(UTC) - start) < timedelta(minutes=1)


def test_no_key_is_among_its_outputs() -> None:
    assert "PRIVATE KEY" not in str(made()[1])


def test_nothing_changes_while_nothing_changes() -> None:
    given, outputs = made()
    answer = PROVIDER.diff("1", outputs, given)
    assert (answer.changes, answer.replaces) == (False, [])


def test_the_same_root_key_in_another_format_changes_nothing() -> None:
    given, outputs = made()
    assert not PROVIDER.diff("1", outputs, given | {"root_key_pem": "the same, written otherwise"}).changes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("request_pem", request(new_key())),
        ("root_pem", root().certificate),
        ("trust_domain", "west.mesh"),
        ("trust_domain_aliases", ["west.mesh"]),
        ("revisions", ["canary"]),
        ("validity_hours", 719.0),
        ("early_renewal_hours", 239.0),
        ("request_pem", UNKNOWN),
    ],
)
def test_another_input_makes_another_certificate(name: str, value: Any) -> None:
    given, outputs = made()
    assert PROVIDER.diff("1", outputs, given | {name: value}).replaces == [name]


def test_it_is_replaced_before_it_expires() -> None:
    given, outputs = made(validity_hours=10.0, early_renewal_hours=11.0)
    answer = PROVIDER.diff("1", outputs, given)
    assert (answer.changes, answer.replaces) == (True, ["validity_end_time"])


@pytest.mark.parametrize(("left", "ready"), [(25, False), (23, True), (-1, True)])
def test_the_window_of_renewal_opens_so_many_hours_before_the_end(left: int, ready: bool) -> None:
    now = datetime.now(UTC)
    assert ready_for_renewal(f"{now + timedelta(hours=left):%Y-%m-%dT%H:%M:%SZ}", 24.0, now) is ready


def test_what_expires_soon_is_said_in_one_line_at_each_run(capsys: pytest.CaptureFixture[str]) -> None:
    given, outputs = made()
    PROVIDER.diff("1", outputs, given)
    PROVIDER.diff("1", outputs, given | {"validity_hours": 9000.0})
    soon = f"multimesh:trust: the CA of trust domain east.mesh expires on {outputs['validity_end_time'][:10]}: "
    assert capsys.readouterr().out.splitlines() == [
        f"{soon}a later `pulumi up` renews it",
        f"{soon}this `pulumi up` renews it",
    ]


def test_what_expires_late_is_not_worth_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    given, outputs = made(validity_hours=8760.0)
    PROVIDER.diff("1", outputs, given)
    assert capsys.readouterr().out == ""


# The user's own key, whose file is read when a certificate is signed


@pytest.fixture
def away(tmp_path: Path) -> dict[str, Any]:
    """Inputs with a key file that is not there."""
    return by_file(root(), tmp_path / "issuing.key")


def by_file(by: Authority, file: Path, **others: Any) -> dict[str, Any]:
    given = inputs(by, **others) | {"root_key_file": str(file)}
    del given["root_key_pem"]
    return given


def test_a_key_is_read_from_its_file_and_not_kept(tmp_path: Path) -> None:
    by, file = root(), tmp_path / "issuing.key"
    file.write_text(by.key_pem)
    outputs = PROVIDER.create(by_file(by, file)).outs
    assert outputs is not None
    parsed(outputs).verify_directly_issued_by(x509.load_pem_x509_certificate(by.certificate.encode()))
    assert "PRIVATE KEY" not in str(outputs)
    assert str(file) not in str(outputs)


def test_a_key_that_is_away_is_said_at_preview_if_something_is_to_be_signed(away: dict[str, Any]) -> None:
    [failure] = PROVIDER.check({}, away).failures
    assert failure.reason == (
        f"{away['root_key_file']} is not there (trust.root.key), and the CA of trust domain east.mesh is to be signed "
        "with it: bring it back for this `pulumi up`"
    )
    assert PROVIDER.check(away | {"trust_domain": "west.mesh"}, away).failures


def test_a_key_may_be_away_while_nothing_is_to_be_signed(away: dict[str, Any]) -> None:
    assert PROVIDER.check(away, away).failures == []


def test_a_key_that_moves_into_a_file_changes_nothing(away: dict[str, Any]) -> None:
    given, outputs = made()
    assert not PROVIDER.diff("1", outputs, given | {"root_key_file": away["root_key_file"]}).changes


def test_a_certificate_whose_key_is_away_is_renewed_later_and_that_is_said(
    away: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    hours = {"validity_hours": 10.0, "early_renewal_hours": 11.0}
    given, outputs = made(**hours)
    given = {name: value for name, value in given.items() if name != "root_key_pem"} | {
        "root_key_file": away["root_key_file"]
    }
    assert not PROVIDER.diff("1", outputs, given).changes
    assert capsys.readouterr().out.endswith(
        f": `pulumi up` renews it once {away['root_key_file']} is there (trust.root.key)\n"
    )


def test_a_refresh_finds_what_was_made() -> None:
    _, outputs = made()
    assert PROVIDER.read("1", outputs).outs == outputs


def test_a_key_that_is_not_the_roots_signs_nothing() -> None:
    given = inputs(root(), root_key_pem=root().key_pem)
    with pytest.raises(SigningError, match="is not the key of the root CA's certificate"):
        PROVIDER.create(given)


def test_a_key_that_istio_cannot_verify_signs_nothing() -> None:
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(SigningError, match="must be an ECDSA or RSA key"):
        PROVIDER.create(inputs(root(), root_key_pem=key.decode()))


def test_a_request_that_another_key_signed_is_not_served() -> None:
    der = x509.load_pem_x509_csr(request(new_key()).encode()).public_bytes(Encoding.DER)
    forged = x509.load_der_x509_csr(der[:-1] + bytes([der[-1] ^ 1]))
    with pytest.raises(SigningError, match="is not signed by its own key"):
        PROVIDER.create(inputs(root(), request_pem=forged.public_bytes(Encoding.PEM).decode()))
