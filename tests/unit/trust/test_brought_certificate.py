"""A certificate of the ingress that the user brings: what is taken, and what each unusable one is refused for."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from server_certificates import DAY, HOST, Wanted, ca, files, new_key, pem, usage

from components.trust import brought_certificate
from components.trust.pem_file import PemFileError

NOW = datetime.now(UTC)
ROOT = ca("root")
INTERMEDIATE = ca("intermediate", ROOT)
STRANGER = ca("stranger")
SERVER = Wanted()
LEAF = SERVER.signed_by(INTERMEDIATE)
WEAK = 1024
STRENGTH = "it must be RSA of 2048 bits or more, or ECDSA on P-256, P-384 or P-521"


def refused(paths: dict[str, str]) -> str:
    """Return why the files are refused, with their names in place of their paths."""
    with pytest.raises(PemFileError) as caught:
        brought_certificate.load(**paths)
    return re.sub(r"/\S*/", "", str(caught.value))


@pytest.mark.parametrize(
    "wanted",
    [
        SERVER,
        Wanted(key=ec.generate_private_key(ec.SECP384R1())),
        Wanted(key=rsa.generate_private_key(65537, 2048)),
        Wanted(extensions=[usage(digital_signature=True)]),
        Wanted(extensions=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])]),
    ],
)
def test_a_chain_without_its_root_is_taken(wanted: Wanted, tmp_path: Path) -> None:
    chain = pem(wanted.signed_by(INTERMEDIATE), INTERMEDIATE.certificate)
    brought = brought_certificate.load(**files(tmp_path, chain, wanted.key))
    assert (brought.chain_pem.encode(), brought.hosts) == (chain, [HOST])
    assert "PRIVATE KEY" in brought.private_key_pem
    assert "PRIVATE KEY" not in repr(brought)


def test_a_chain_with_its_root_is_taken(tmp_path: Path) -> None:
    chain = pem(LEAF, INTERMEDIATE.certificate, ROOT.certificate)
    assert brought_certificate.load(**files(tmp_path, chain, SERVER.key))


def test_what_stands_around_the_certificates_is_left_out(tmp_path: Path) -> None:
    brought = brought_certificate.load(**files(tmp_path, b"Subject: shop\n" + pem(LEAF), SERVER.key))
    assert brought.chain_pem.encode() == pem(LEAF)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(end=NOW - DAY), f"that expired on {NOW - DAY:%Y-%m-%d}"),
        (Wanted(start=NOW + DAY), f"that is not valid before {NOW + DAY:%Y-%m-%d}"),
        (Wanted(key=rsa.generate_private_key(65537, WEAK)), f"that has an RSA key of 1024 bits; {STRENGTH}"),
        (Wanted(key=ec.generate_private_key(ec.SECP256K1())), f"that has an ECDSA key on secp256k1; {STRENGTH}"),
        (
            Wanted(key=ed25519.Ed25519PrivateKey.generate()),
            f"that has a key that the gateway cannot serve with; {STRENGTH}",
        ),
    ],
)
def test_a_certificate_that_clients_refuse_is_refused(wanted: Wanted, message: str, tmp_path: Path) -> None:
    paths = files(tmp_path, pem(wanted.signed_by(INTERMEDIATE), INTERMEDIATE.certificate), wanted.key)
    assert refused(paths) == f"server.pem has a certificate of server {message}"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(hosts=()), "names no host: clients read the DNS names alone (subjectAltName), not the common name"),
        (Wanted(ca=True), "is a CA's alone; a server needs a certificate of its hosts, which a CA signed"),
        (
            Wanted(extensions=[usage(key_encipherment=True)]),
            "may not sign handshakes (key usage without digitalSignature)",
        ),
        (
            Wanted(extensions=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])]),
            "may not be a server's (extended key usage without serverAuth)",
        ),
    ],
)
def test_a_certificate_that_is_no_servers_is_refused(wanted: Wanted, message: str, tmp_path: Path) -> None:
    paths = files(tmp_path, pem(wanted.signed_by(INTERMEDIATE), INTERMEDIATE.certificate), wanted.key)
    assert refused(paths) == f"server.pem {message}"


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        (
            pem(INTERMEDIATE.certificate, LEAF),
            "begins with a CA: put the certificate of the hosts first, then the CA that signed it, and so on",
        ),
        (
            pem(LEAF, ROOT.certificate, INTERMEDIATE.certificate),
            "is not in order: server is not signed by root, which follows it; put each certificate's issuer after it, "
            "and nothing else in the file",
        ),
        (
            pem(LEAF, STRANGER.certificate),
            "is not in order: server is not signed by stranger, which follows it; put each certificate's issuer after "
            "it, and nothing else in the file",
        ),
        (
            pem(LEAF, ca("intermediate", ROOT, key=INTERMEDIATE.key, end=NOW - DAY).certificate),
            f"has a certificate of intermediate that expired on {NOW - DAY:%Y-%m-%d}",
        ),
        (
            pem(LEAF, Wanted("intermediate", (), key=INTERMEDIATE.key).signed_by(ROOT)),
            "has a certificate of intermediate that is no CA, so it cannot have signed the one before it (basic "
            "constraints)",
        ),
        (b"no PEM", "is not a PEM file of certificates"),
        (pem(LEAF).replace(b"MII", b"AAA"), "is not a PEM file of certificates"),
    ],
)
def test_a_chain_that_clients_cannot_follow_is_refused(chain: bytes, message: str, tmp_path: Path) -> None:
    assert refused(files(tmp_path, chain, SERVER.key)) == f"server.pem {message}"


def test_a_signature_that_is_broken_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from components.trust import server_chain

    # OpenSSL does not sign with it.
    monkeypatch.setattr(server_chain, "_hash", lambda _certificate: hashes.SHA1())  # noqa: S303  it is refused
    said = refused(files(tmp_path, pem(LEAF), SERVER.key))
    assert said == (
        "server.pem has a certificate of server that is signed with SHA-1 or MD5, which are broken; let its CA sign it "
        "with SHA-256"
    )


def test_the_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    assert refused(files(tmp_path, pem(LEAF), new_key())) == "server.key is not the key of server.pem"


def test_an_encrypted_key_is_refused(tmp_path: Path) -> None:
    paths = files(tmp_path, pem(LEAF), SERVER.key, password=b"secret")
    assert refused(paths) == "server.key is encrypted; it must be a PEM key without a password"


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    paths = files(tmp_path, pem(LEAF), SERVER.key, mode=0o640)
    assert refused(paths) == "server.key may be read by others (mode 0640): run `chmod 600 server.key`"


def test_a_certificate_in_place_of_the_key_is_refused(tmp_path: Path) -> None:
    paths = files(tmp_path, pem(LEAF), SERVER.key)
    assert refused(paths | {"key": paths["certificate"]}) == "server.pem is not a PEM private key"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing.pem", "nothing.pem: No such file or directory"),
        (".", ".: Is a directory"),
        (
            "-----BEGIN CERTIFICATE-----\nMII",
            "certificate and key must each be the path of a PEM file, not its content",
        ),
        ("nobody\0", "nobody\0: embedded null byte"),
    ],
)
def test_a_file_that_is_none_is_refused(path: str, message: str, tmp_path: Path) -> None:
    assert refused(files(tmp_path, pem(LEAF), SERVER.key) | {"certificate": path}) == message


@pytest.mark.parametrize(
    ("names", "host", "named"),
    [
        (["shop.example"], "shop.example", True),
        (["Shop.Example"], "shop.example", True),
        (["*.example"], "shop.example", True),
        (["*.example"], "a.shop.example", False),
        (["*.shop.example"], "shop.example", False),
        (["*.shop.example"], "*.shop.example", True),
        (["a.shop.example"], "*.shop.example", False),
        (["*.example"], "*.shop.example", False),
        (["example"], "shop.example", False),
    ],
)
def test_a_name_covers_a_host_as_clients_read_it(names: list[str], host: str, named: bool, tmp_path: Path) -> None:
    wanted = Wanted(hosts=names)
    brought = brought_certificate.load(**files(tmp_path, pem(wanted.signed_by(INTERMEDIATE)), wanted.key))
    assert (brought.unnamed(host) is None) == named
