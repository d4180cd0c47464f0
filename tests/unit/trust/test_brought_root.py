"""A root that the user brings: what is taken, and what each unusable one is refused for."""

import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from components import settings
from components.trust import brought_root
from components.trust.ca import fingerprint

NOW = datetime.now(UTC)
LOCAL = {"cluster": {"kind": "local"}}
ServerAuth, ClientAuth, EmailProtection, AnyUsage = (
    ExtendedKeyUsageOID.SERVER_AUTH,
    ExtendedKeyUsageOID.CLIENT_AUTH,
    ExtendedKeyUsageOID.EMAIL_PROTECTION,
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
)
DIRECTORY = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Shop")]))
Make = Callable[..., tuple[str, str]]


Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def pem(key: Key, password: bytes | None = None) -> bytes:
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
        key: Key | None = None,
        mode: int = 0o600,
        extensions: Sequence[x509.ExtensionType] = (),
        critical: bool = True,
    ) -> tuple[str, str]:
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
        issuer = subject if signer is None else x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other")])
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
        )
        builder = (
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
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical)
        hashed = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        certificate = builder.sign(signer or key, hashed)
        (tmp_path / "root-cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        kept = ec.generate_private_key(ec.SECP256R1()) if other_key else key
        (tmp_path / "root-key.pem").write_bytes(pem(kept, password))
        (tmp_path / "root-key.pem").chmod(mode)
        return str(tmp_path / "root-cert.pem"), str(tmp_path / "root-key.pem")

    return make


def test_a_root_is_taken_with_its_end_and_the_path_of_its_key(make: Make) -> None:
    certificate, key = make(end=datetime(2040, 1, 2, tzinfo=UTC))
    root = brought_root.load(certificate, key)
    assert root.root_pem == root.signer_pem == Path(certificate).read_text()
    assert root.between_pem == ""
    assert root.key == key
    assert root.expires == "2040-01-02T00:00:00Z"


def test_no_key_is_kept(make: Make) -> None:
    assert "PRIVATE KEY" not in repr(brought_root.load(*make()))


def test_a_key_may_be_away_while_nothing_is_signed(make: Make) -> None:
    certificate, key = make()
    Path(key).unlink()
    assert brought_root.load(certificate, key).key == key


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ca": False}, "is not a CA"),
        ({"path_length": 0}, "may not sign intermediate CAs"),
        ({"may_sign": False}, "may not sign certificates"),
        ({"end": NOW - timedelta(hours=1)}, "expired on"),
        ({"start": NOW + timedelta(days=1)}, "is not valid before"),
        ({"other_key": True}, "is not the key of"),
        (
            {"key": rsa.generate_private_key(65537, 1024)},  # noqa: S505 - it is refused
            r"root-cert.pem has an RSA key of 1024 bits; it must be RSA of 2048 bits or more, or ECDSA on P-256",
        ),
        ({"key": ec.generate_private_key(ec.SECP224R1())}, "has an ECDSA key on secp224r1; it must be"),
        ({"key": ed25519.Ed25519PrivateKey.generate()}, "has a key that Istio's proxies do not verify; it must be"),
        ({"extensions": [x509.ExtendedKeyUsage([EmailProtection])]}, r"excludes TLS \(extended key usage\)"),
        ({"extensions": [x509.ExtendedKeyUsage([ServerAuth])]}, r"excludes TLS \(extended key usage\)"),
        (
            {"extensions": [x509.NameConstraints([x509.DNSName("example.com")], None)]},
            r"excludes istiod.istio-system.svc, the name of istiod's own certificate \(name constraints\)",
        ),
        ({"extensions": [x509.NameConstraints(None, [x509.DNSName("svc")])]}, "excludes istiod.istio-system.svc"),
        ({"extensions": [x509.NameConstraints([DIRECTORY], None)]}, "restricts the subjects of certificates"),
        (
            {"extensions": [x509.NameConstraints(None, [x509.DNSName("example.com"), DIRECTORY])]},
            "has critical name constraints that istiod refuses",
        ),
        (
            {"extensions": [x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")]},
            r"has a critical extension that TLS libraries refuse in a CA \(1.2.3.4\)",
        ),
        ({"mode": 0o644}, r"root-key.pem may be read by others \(mode 0644\): run `chmod 600 .*root-key.pem`"),
        ({"mode": 0o640}, r"may be read by others \(mode 0640\)"),
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
        "meshes": {"east": LOCAL},
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
        "meshes": {"east": LOCAL},
        "trust": {"root": {"certificate": certificate, "key": key}},
    }
    stack = settings.validate(raw)
    assert stack.trust.brought is not None
    assert opened == [certificate, key]


def test_a_clock_that_is_a_little_behind_does_no_harm(make: Make) -> None:
    assert brought_root.load(*make(start=datetime.now(UTC) + timedelta(minutes=30)))


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
    assert root.root_pem == pem
    assert fingerprint(f"# a comment\n{pem}") == fingerprint(pem)


def test_a_key_after_its_parameters_is_taken(make: Make) -> None:
    certificate, key = make()
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    loaded = load_pem_private_key(Path(key).read_bytes(), None)
    sec_1 = loaded.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    Path(key).write_text(parameters + sec_1)
    assert brought_root.load(certificate, key).key == key


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("digest", ["sha1", "md5"])
def test_a_root_with_a_broken_signature_is_told_so(tmp_path: Path, digest: str) -> None:
    certificate, key = tmp_path / "root-cert.pem", tmp_path / "root-key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "900", "-subj", "/CN=root"]
    subprocess.run([*make, f"-{digest}", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with pytest.raises(brought_root.BroughtRootError, match="is signed with SHA-1 or MD5, which are broken; sign it"):
        brought_root.load(str(certificate), str(key))


@pytest.mark.parametrize(
    "given",
    [
        {"key": rsa.generate_private_key(65537, 2048)},
        {"key": ec.generate_private_key(ec.SECP384R1())},
        {"extensions": [x509.ExtendedKeyUsage([ServerAuth, ClientAuth])]},
        {"extensions": [x509.ExtendedKeyUsage([AnyUsage])]},
        {"extensions": [x509.NameConstraints([x509.DNSName("svc"), x509.DNSName("example.com")], None)]},
        {"extensions": [x509.NameConstraints(None, [x509.DNSName("example.com"), DIRECTORY])], "critical": False},
        {"extensions": [x509.PolicyConstraints(0, None), x509.InhibitAnyPolicy(0)]},
        {"mode": 0o400},
    ],
)
def test_a_root_under_which_meshes_work_is_taken(make: Make, given: dict) -> None:
    assert brought_root.load(*make(**given))


@pytest.mark.parametrize(
    ("permitted", "excluded", "taken"),
    [
        ([], ["example.com"], True),
        (["east.mesh"], [], True),
        ([".mesh"], [], True),
        ([], [".mesh"], False),
        (["mesh"], [], False),
        (["example.com"], [], False),
        ([], ["EAST.mesh"], False),
        ([], ["mesh"], False),
    ],
)
def test_a_root_may_exclude_no_trust_domain_of_the_stack(
    make: Make, permitted: list[str], excluded: list[str], taken: bool
) -> None:
    trees = [[x509.UniformResourceIdentifier(name) for name in names] or None for names in (permitted, excluded)]
    certificate, key = make(extensions=[x509.NameConstraints(*trees)])
    raw = {"meshes": {"east": LOCAL}, "trust": {"root": {"certificate": certificate, "key": key}}}
    if taken:
        assert settings.validate(raw)
        return
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate(raw)
    assert str(caught.value).splitlines()[1:] == [
        f"  multimesh:meshes.east.trust_domain: 'east.mesh': the name constraints of {certificate} exclude this trust "
        "domain; use one that they permit, or another root"
    ]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"meshes": {"east": LOCAL | {"trust_domain": "b"}}}, "meshes.east.trust_domain: 'b'"),
        (
            {"meshes": {"a": LOCAL | {"trust_domain": "a"}}, "trust": {"issues": {"b": {}}}},
            "trust.issues.b.trust_domain: 'b.mesh'",
        ),
        (
            {"meshes": {"a": LOCAL, "b": LOCAL}, "topology": {"kind": "single-mesh", "network": "flat"}},
            "topology.trust_domain: 'single.mesh'",
        ),
    ],
)
def test_an_excluded_trust_domain_is_named_where_it_is_configured(make: Make, given: dict, path: str) -> None:
    certificate, key = make(extensions=[x509.NameConstraints([x509.UniformResourceIdentifier("a")], None)])
    trust = given.get("trust", {}) | {"root": {"certificate": certificate, "key": key}}
    with pytest.raises(settings.SettingsError) as caught:
        settings.validate({**given, "trust": trust})
    [line] = str(caught.value).splitlines()[1:]
    assert line.startswith(f"  multimesh:{path}: the name constraints of")
