"""Revocation lists: what they say, who accepts them, and which texts are no serial number."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from authorities import Authority, new_key, pem, request, root
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from components.trust import revocation, signing
from components.trust.lists import merged
from components.trust.signing import SigningError

NUMBER = (
    "must be a CA's serial number as text: hexadecimal digits in pairs, as the output meshes.<mesh>.ca_serial has it; "
    "quote it"
)


def ca(by: Authority, name: str = "multimesh east") -> Authority:
    key = new_key()
    signed = signing.sign(request(key, name), by.certificate, by.key_pem, ["east.mesh"], 24, datetime.now(UTC))
    return Authority(signed.certificate_pem, key)


def parsed(text: str) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl(text.encode())


def test_a_roots_list_revokes_the_cas_that_it_is_told() -> None:
    authority = root()
    listed = parsed(revocation.of_root(authority.certificate, authority.key_pem, [7, 5, 7]))
    assert [entry.serial_number for entry in listed] == [5, 7]
    assert listed.is_signature_valid(authority.key.public_key())


def test_the_list_of_a_ca_revokes_nothing_and_holds_for_every_certificate_of_its_key() -> None:
    authority, key = root(), new_key()
    asked = request(key)
    listed = parsed(revocation.of_ca(asked, pem(key), authority.certificate, []))
    assert len(listed) == 0
    assert listed.is_signature_valid(key.public_key())
    assert listed.issuer == x509.load_pem_x509_csr(asked.encode()).subject


def test_a_ca_known_by_its_certificate_has_the_same_list() -> None:
    authority = root()
    of_east = ca(authority)
    listed = parsed(revocation.of_issued(of_east.certificate, of_east.key_pem, authority.certificate, []))
    certificate = x509.load_pem_x509_certificate(of_east.certificate.encode())
    stated = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    named = listed.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert named.key_identifier == stated.key_identifier


def test_a_list_is_valid_for_as_long_as_the_root() -> None:
    authority = root()
    certificate = x509.load_pem_x509_certificate(authority.certificate.encode())
    listed = parsed(revocation.of_root(authority.certificate, authority.key_pem, []))
    limits = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    assert (listed.last_update_utc, listed.next_update_utc) == limits


def test_a_run_without_changes_changes_no_list() -> None:
    authority = root()
    one, other = (revocation.of_root(authority.certificate, authority.key_pem, [1]) for _ in range(2))
    assert one == other


def openssl_accepts(folder: Path, authority: Authority, chain: Authority, lists: str) -> bool:
    leaf = chain.leaf(x509.UniformResourceIdentifier("spiffe://east.mesh/ns/demo/sa/echo"))
    for name, text in {"root": authority.certificate, "ca": chain.certificate, "leaf": leaf, "lists": lists}.items():
        (folder / name).write_text(text)
    command = [
        "openssl",
        "verify",
        "-crl_check_all",
        "-CAfile",
        "root",
        "-untrusted",
        "ca",
        "-CRLfile",
        "lists",
        "leaf",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def test_openssl_refuses_a_revoked_ca_and_accepts_the_one_after_it(tmp_path: Path) -> None:
    authority = root()
    old, new = ca(authority), ca(authority, "multimesh 2 east")
    stolen = x509.load_pem_x509_certificate(old.certificate.encode()).serial_number
    lists = "".join(revocation.of_issued(one.certificate, one.key_pem, authority.certificate, []) for one in (old, new))
    before = revocation.of_root(authority.certificate, authority.key_pem, []) + lists
    after = revocation.of_root(authority.certificate, authority.key_pem, [stolen]) + lists
    assert [openssl_accepts(tmp_path, authority, one, before) for one in (old, new)] == [True, True]
    assert [openssl_accepts(tmp_path, authority, one, after) for one in (old, new)] == [False, True]


@pytest.mark.parametrize(("aliases", "accepted"), [(["east.mesh"], True), ([], False)])
def test_a_ca_whose_name_has_the_trust_domain_of_before_has_a_list(
    tmp_path: Path, aliases: list[str], accepted: bool
) -> None:
    """Workloads present it until they get a certificate of the CA with the new name."""
    authority, key, domains = root(), new_key(), ["east.mesh", "shop.example"]
    before, now = (signing.request(pem(key), "multimesh east", order) for order in (domains, domains[::-1]))
    made = signing.sign(before, authority.certificate, authority.key_pem, domains, 24, datetime.now(UTC))
    lists = revocation.of_root(authority.certificate, authority.key_pem, [])
    lists += revocation.of_ca(now, pem(key), authority.certificate, aliases)
    assert openssl_accepts(tmp_path, authority, Authority(made.certificate_pem, key), lists) is accepted


def test_openssl_refuses_a_ca_that_has_no_list(tmp_path: Path) -> None:
    authority = root()
    lists = revocation.of_root(authority.certificate, authority.key_pem, [])
    assert not openssl_accepts(tmp_path, authority, ca(authority), lists)


def test_a_key_that_signs_no_certificates_signs_no_list() -> None:
    text = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(SigningError, match="must be an ECDSA or RSA key"):
        revocation.of_root(root().certificate, text.decode(), [1])


@pytest.mark.parametrize("text", ["0A1B", "0a1b", "0A:1B"])
def test_a_serial_number_is_read_as_openssl_prints_it(text: str) -> None:
    assert revocation.serial(text) == 0x0A1B
    assert revocation.shown(0x0A1B) == "0A1B"


@pytest.mark.parametrize("text", ["", "A1B", "0x0A", "0A 1B", "0A-1B", ":0A", "12.5", "serial=0A", "0A1B\n"])
def test_another_text_is_no_serial_number(text: str) -> None:
    with pytest.raises(ValueError, match=NUMBER):
        revocation.serial(text)


@pytest.mark.parametrize("text", ["00", "0" * 40, "01" * 21])
def test_a_number_that_no_certificate_has_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a serial number: more than 0, and 20 octets at most"):
        revocation.serial(text)


def test_a_ca_that_signs_is_found_among_the_revoked_however_it_is_written() -> None:
    assert list(revocation.still_signing([0x0A1B], {"east": "0A1B", "west": "0C", "old": ""})) == ["east"]


def test_lists_are_merged_each_once() -> None:
    one, other = (f"-----BEGIN X509 CRL-----\n{text}\n-----END X509 CRL-----\n" for text in ("a", "b"))
    assert merged([one + other, other, "", one]) == one + other
