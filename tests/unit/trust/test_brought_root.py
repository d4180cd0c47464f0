"""A root that the user brings: what is taken, and what each unusable one is refused for."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from components import settings
from components.trust import brought_root
from components.trust.ca import fingerprint

NOW = datetime.now(UTC)
Make = Callable[..., tuple[str, str]]


def pem(key: ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(
        *,
        ca: bool = True,
        path_length: int | None = 1,
        may_sign: bool = True,
        start: datetime = NOW - timedelta(days=1),
        end: datetime = NOW + timedelta(days=4000),
        signer: ec.EllipticCurvePrivateKey | None = None,
        password: bytes | None = None,
        other_key: bool = False,
    ) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
        issuer = subject if signer is None else x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other")])
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    **usage, key_cert_sign=may_sign, crl_sign=may_sign, encipher_only=False, decipher_only=False
                ),
                critical=True,
            )
            .sign(signer or key, hashes.SHA256())
        )
        (tmp_path / "root-cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        kept = ec.generate_private_key(ec.SECP256R1()) if other_key else key
        (tmp_path / "root-key.pem").write_bytes(pem(kept, password))
        return str(tmp_path / "root-cert.pem"), str(tmp_path / "root-key.pem")

    return make


def test_a_root_is_taken_with_its_key_and_its_end(make: Make) -> None:
    certificate, key = make(end=datetime(2040, 1, 2, tzinfo=UTC))
    root = brought_root.load(certificate, key)
    assert root.certificate_pem == Path(certificate).read_text()
    assert root.private_key_pem == Path(key).read_text()
    assert root.expires == "2040-01-02T00:00:00Z"


def test_the_key_is_not_shown(make: Make) -> None:
    assert "PRIVATE KEY" not in repr(brought_root.load(*make()))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ca": False}, "is not a CA"),
        ({"path_length": 0}, "may not sign intermediate CAs"),
        ({"may_sign": False}, "may not sign certificates"),
        ({"end": NOW - timedelta(hours=1)}, "expired on"),
        ({"start": NOW + timedelta(days=1)}, "is not valid before"),
        ({"other_key": True}, "is not the key of"),
        ({"password": b"hunter2"}, "is encrypted"),
        ({"signer": ec.generate_private_key(ec.SECP256R1())}, "is not a root: another CA signed it"),
    ],
)
def test_an_unusable_root_is_refused(make: Make, given: dict, message: str) -> None:
    certificate, key = make(**given)
    with pytest.raises(brought_root.BroughtRootError, match=message):
        brought_root.load(certificate, key)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ca": False}, "{certificate} is not a CA (basic constraints)"),
        (
            {"end": datetime(2020, 1, 2, tzinfo=UTC), "start": datetime(2019, 1, 2, tzinfo=UTC)},
            "{certificate} expired on 2020-01-02",
        ),
        ({"other_key": True}, "{key} is not the key of {certificate}"),
    ],
)
def test_an_unusable_root_is_a_mistake_of_the_configuration(make: Make, given: dict, message: str) -> None:
    certificate, key = make(**given)
    raw = {
        "meshes": {"east": {"cluster": {"kind": "local"}}},
        "trust": {"root": {"certificate": certificate, "key": key}},
    }
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate(raw)
    assert str(caught.value).splitlines() == [
        "the stack's configuration has 1 mistake; nothing was changed:",
        f"  multimesh:trust.root: {message.format(certificate=certificate, key=key)}",
    ]


def test_a_root_that_its_intermediates_would_outlive_is_refused(make: Make) -> None:
    root = brought_root.load(*make(end=NOW + timedelta(days=364)))
    with pytest.raises(brought_root.BroughtRootError, match="before intermediates of 365 days would"):
        root.check_outlives(365)
    root.check_outlives(363)


def test_the_files_of_a_root_are_read_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = make()
    opened = []
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (opened.append(str(path)), read(path))[1])
    raw = {
        "meshes": {"east": {"cluster": {"kind": "local"}}},
        "trust": {"root": {"certificate": certificate, "key": key}},
    }
    stack = settings.validate(raw)
    assert stack.trust.brought is not None
    assert stack.trust.brought.private_key_pem == Path(key).read_text()
    assert opened == [certificate, key]


def test_a_clock_that_is_a_little_behind_does_no_harm(make: Make) -> None:
    assert brought_root.load(*make(start=datetime.now(UTC) + timedelta(minutes=30)))


def test_a_missing_key_is_named_with_the_path_of_the_setting(make: Make) -> None:
    certificate, key = make()
    Path(key).unlink()
    raw = {
        "meshes": {"east": {"cluster": {"kind": "local"}}},
        "trust": {"root": {"certificate": certificate, "key": key}},
    }
    with pytest.raises(settings.SettingsError, match=rf"multimesh:trust\.root: {key}: No such file"):
        settings.validate(raw)


def test_what_is_no_pem_is_refused(make: Make) -> None:
    certificate, key = make()
    with pytest.raises(brought_root.BroughtRootError, match="is not a PEM certificate"):
        brought_root.load(key, key)
    with pytest.raises(brought_root.BroughtRootError, match="is not a PEM private key"):
        brought_root.load(certificate, certificate)


def test_a_file_that_is_no_text_is_named(make: Make) -> None:
    certificate, key = make()
    commented = Path(certificate)
    commented.write_bytes(b"# \xff\n" + commented.read_bytes())
    with pytest.raises(brought_root.BroughtRootError, match=f"{certificate} is not a text file"):
        brought_root.load(certificate, key)


def test_a_path_that_no_file_can_have_is_named() -> None:
    with pytest.raises(brought_root.BroughtRootError, match="a\0b: "):
        brought_root.load("a\0b", "key.pem")


def test_text_before_the_certificate_is_left_out(make: Make) -> None:
    certificate, key = make()
    pem = Path(certificate).read_text()
    Path(certificate).write_text(f"subject=CN = root\nissuer=CN = root\n{pem}")
    root = brought_root.load(certificate, key)
    assert root.certificate_pem == pem
    assert fingerprint(f"# a comment\n{pem}") == fingerprint(pem)


def test_a_key_after_its_parameters_is_handed_on_in_pkcs_8(make: Make) -> None:
    certificate, key = make()
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    loaded = load_pem_private_key(Path(key).read_bytes(), None)
    sec_1 = loaded.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    pkcs_8 = Path(key).read_text()
    Path(key).write_text(parameters + sec_1)
    assert brought_root.load(certificate, key).private_key_pem == pkcs_8
    Path(key).write_text(sec_1)
    assert brought_root.load(certificate, key).private_key_pem == sec_1


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("digest", ["sha1", "md5"])
def test_a_root_with_a_broken_signature_is_told_so(tmp_path: Path, digest: str) -> None:
    certificate, key = tmp_path / "root-cert.pem", tmp_path / "root-key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "900", "-subj", "/CN=root"]
    subprocess.run([*make, f"-{digest}", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with pytest.raises(brought_root.BroughtRootError, match="is signed with SHA-1 or MD5, which are broken; sign it"):
        brought_root.load(str(certificate), str(key))
