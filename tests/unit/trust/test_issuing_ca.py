"""An issuing CA below an offline root, as Vault, cert-manager and openssl write its files."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from authorities import Authority, certified, named, new_key, request
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from test_confined import OWN, TOOLS, Verdicts, uri

from components.trust import brought_root, signing
from components.trust.brought_root import BroughtRootError

RSA = rsa.generate_private_key(65537, 2048)
Pki = tuple[Authority, Authority, Authority]


def pki(keys: tuple[Any, Any, Any] | None = None, *, lengths: Any = (2, 1, None), **of_policy: Any) -> Pki:
    """A root, a policy CA below it, and an issuing CA below that one, with path lengths in reverse."""
    root_key, policy_key, issuing_key = keys or (new_key(), new_key(), new_key())
    top = named("Shop offline root")
    root = Authority(certified(top, root_key, top, root_key, path_length=lengths[2]), root_key)
    policy = root.below("Shop policy CA", policy_key, **{"path_length": lengths[0], **of_policy})
    return root, policy, policy.below("Shop issuing CA", issuing_key, path_length=lengths[1])


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., brought_root.BroughtRoot]:
    """Load a CA from the texts of its files."""

    def load(certificate: str, key: str, chain: str | None = None) -> brought_root.BroughtRoot:
        files = {"ca.pem": certificate, "ca.key": key, **({"chain.pem": chain} if chain else {})}
        for name, text in files.items():
            (tmp_path / name).touch(mode=0o600)
            (tmp_path / name).write_text(text)
        upper = str(tmp_path / "chain.pem") if chain else None
        return brought_root.load(str(tmp_path / "ca.pem"), str(tmp_path / "ca.key"), upper)

    return load


def test_the_way_to_the_root_is_found(load: Callable[..., brought_root.BroughtRoot]) -> None:
    root, policy, issuing = pki()
    found = load(issuing.certificate, issuing.key_pem, policy.certificate + root.certificate)
    assert found.signer_pem == issuing.certificate
    assert found.between_pem == issuing.certificate + policy.certificate
    assert found.root_pem == root.certificate


def written(parts: str, made: Pki) -> str:
    """Return the text of a file that has these parts, one after the other."""
    root, policy, issuing = (ca.certificate for ca in made)
    known = {
        "root": root,
        "policy": policy,
        "issuing": issuing,
        "stranger": pki()[0].certificate,
        "comment": "subject=CN = Shop issuing CA\r\n\r\n",
        "cut": policy[:-80] + "AAAA\n-----END CERTIFICATE-----\n",
        "trusted": policy.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
    }
    return "".join(known[part] for part in parts.split())


@pytest.mark.parametrize(
    ("certificate", "chain"),
    [
        ("issuing policy root", None),
        ("issuing", "root policy"),
        ("issuing policy", "root"),
        ("issuing", "issuing policy root"),
        ("comment issuing", "comment policy comment root"),
    ],
    ids=["one file", "root first", "cert-manager: tls.crt and ca.crt", "Vault: ca_chain repeats it", "openssl's text"],
)
def test_files_of_every_shape_are_read(
    certificate: str, chain: str | None, load: Callable[..., brought_root.BroughtRoot]
) -> None:
    made = pki()
    found = load(written(certificate, made), made[2].key_pem, chain and written(chain, made))
    assert found.between_pem + found.root_pem == written("issuing policy root", made)


@pytest.mark.parametrize("verified", TOOLS)
@pytest.mark.parametrize(
    "keys",
    [
        (new_key(), new_key(), new_key()),
        (RSA, new_key(), RSA),
        (new_key(), RSA, ec.generate_private_key(ec.SECP384R1())),
    ],
    ids=["ECDSA", "RSA", "mixed"],
)
def test_what_is_signed_below_it_is_verified_and_confined(
    keys: Any, verified: Verdicts, load: Callable[..., brought_root.BroughtRoot], tmp_path: Path
) -> None:
    root, policy, issuing = pki(keys)
    found = load(issuing.certificate, issuing.key_pem, policy.certificate + root.certificate)
    key = new_key()
    made = signing.sign(request(key), found.signer_pem, issuing.key_pem, ["west.mesh"], 24, datetime.now(UTC))
    mesh = Authority(made.certificate_pem, key)
    leaves = [*(mesh.leaf(*names) for names in OWN), mesh.leaf(uri("spiffe://east.mesh/ns/a/sa/b"))]
    chain = Authority(mesh.certificate + found.between_pem, key)
    assert verified(tmp_path, Authority(found.root_pem, root.key), chain, leaves) == [True, True, True, False]


def refused(load: Callable[..., brought_root.BroughtRoot], *given: Any) -> str:
    with pytest.raises(BroughtRootError) as caught:
        load(*given)
    return str(caught.value)


Mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: pki(lengths=(2, 0, None)), "ca.pem may not sign intermediate CAs (path length 0)"),
        (
            lambda: pki(lengths=(1, 1, None)),
            "'CN=Shop policy CA' may have at most 1 CAs below it (path length), and here are 2",
        ),
        (
            lambda: pki(lengths=(2, 1, 2)),
            "'CN=Shop offline root' may have at most 2 CAs below it (path length), and here are 3",
        ),
        (lambda: pki(ca=False), "'CN=Shop policy CA' is not a CA (basic constraints)"),
        (lambda: pki(days=(-20, -10)), "'CN=Shop policy CA' expired on"),
        (lambda: pki(days=(10, 20)), "'CN=Shop policy CA' is not valid before"),
        (
            lambda: pki((new_key(), rsa.generate_private_key(65537, 1024), new_key())),  # noqa: S505 - it is refused
            "'CN=Shop policy CA' has an RSA key of 1024 bits",
        ),
        (
            lambda: pki((ed25519.Ed25519PrivateKey.generate(), new_key(), new_key())),
            "'CN=Shop offline root' has a key that Istio's proxies do not verify",
        ),
    ],
)
def test_every_ca_on_the_way_must_allow_what_is_made_below(
    made: Callable[[], Pki], message: str, load: Callable[..., brought_root.BroughtRoot]
) -> None:
    root, policy, issuing = made()
    assert message in refused(load, issuing.certificate, issuing.key_pem, policy.certificate + root.certificate)


@pytest.mark.parametrize(
    ("extension", "message"),
    [
        (Mail, "'CN=Shop policy CA' excludes TLS (extended key usage)"),
        (
            x509.NameConstraints([x509.DNSName("shop.example")], None),
            "'CN=Shop policy CA' excludes istiod.istio-system",
        ),
        (x509.NameConstraints([x509.DirectoryName(named("x"))], None), "'CN=Shop policy CA' restricts the subjects"),
        (
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"),
            "critical extension that TLS libraries",
        ),
    ],
)
def test_every_extension_on_the_way_must_allow_it(
    extension: x509.ExtensionType, message: str, load: Callable[..., brought_root.BroughtRoot]
) -> None:
    root, _, _ = pki()
    key = new_key()
    subject = x509.load_pem_x509_certificate(root.certificate.encode()).subject
    policy = Authority(certified(named("Shop policy CA"), key, subject, root.key, extension), key)
    issuing = policy.below("Shop issuing CA")
    assert message in refused(load, issuing.certificate, issuing.key_pem, policy.certificate + root.certificate)


def test_a_trust_domain_that_a_ca_on_the_way_excludes_is_refused(load: Callable[..., brought_root.BroughtRoot]) -> None:
    root, _, _ = pki()
    key = new_key()
    permits = x509.NameConstraints([x509.UniformResourceIdentifier("west.mesh")], None)
    subject = x509.load_pem_x509_certificate(root.certificate.encode()).subject
    policy = Authority(certified(named("Shop policy CA"), key, subject, root.key, permits), key)
    issuing = policy.below("Shop issuing CA")
    found = load(issuing.certificate, issuing.key_pem, policy.certificate + root.certificate)
    assert found.excluded("west.mesh") is None
    assert "exclude this trust domain" in (found.excluded("east.mesh") or "")


def test_intermediates_may_outlive_no_ca_on_the_way(load: Callable[..., brought_root.BroughtRoot]) -> None:
    root, policy, issuing = pki(days=(-1, 100))
    found = load(issuing.certificate, issuing.key_pem, policy.certificate + root.certificate)
    with pytest.raises(BroughtRootError, match=f"expires on {datetime.now(UTC) + timedelta(days=100):%Y-%m-%d}"):
        found.check_outlives(365)


@pytest.mark.parametrize(
    ("certificate", "chain", "message"),
    [
        ("issuing", None, "is not a root: another CA signed it; add the CAs above it as `chain`"),
        (
            "issuing",
            "policy",
            "chain.pem ends at 'CN=Shop policy CA', and the CA that signed it, 'CN=Shop offline root', is not there",
        ),
        (
            "issuing",
            "root",
            "ends at 'CN=Shop issuing CA', and the CA that signed it, 'CN=Shop policy CA', is not there",
        ),
        ("root issuing", "policy", "ca.key is not the key of"),
        ("issuing", "policy root stranger", "which is not on the way from 'CN=Shop issuing CA' to its root"),
        ("issuing", "comment", "is not a PEM certificate"),
        ("issuing", "cut", "has a certificate that cannot be read (number 1 in it)"),
        ("trusted", "policy", "is not a PEM certificate"),
    ],
)
def test_what_is_no_way_to_a_root_is_refused(
    certificate: str, chain: str | None, message: str, load: Callable[..., brought_root.BroughtRoot]
) -> None:
    made = pki()
    assert message in refused(load, written(certificate, made), made[2].key_pem, chain and written(chain, made))
