"""A root whose key somebody else has: the requests, the certificates that are taken, and those that are refused."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pulumi
import pytest
from authorities import Authority, certified, named, new_key, pem, public_pem
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from recording import record
from test_confined import OWN, TOOLS, Verdicts, uri

from components.settings import SettingsError
from components.trust import signing
from components.trust.certificate_request import CertificateRequestProvider

LOCAL = {"cluster": {"kind": "local"}}
KEY = new_key()
STATE = {"east-ca": {"type": "tls:index/privateKey:PrivateKey", "outputs": {"publicKeyPem": public_pem(KEY)}}}
ROOT_KEY = new_key()
ROOT = Authority(certified(named("Shop root"), ROOT_KEY, named("Shop root"), ROOT_KEY), ROOT_KEY)
ISSUING = ROOT.below("Shop issuing CA")
EXPIRED = ROOT.below("Expired CA", days=(-9, -3))
LEAF = ROOT.below("Leaf", ca=False)
STRANGER = Authority(certified(named("Other root"), ROOT_KEY, named("Other root"), ROOT_KEY), ROOT_KEY)


def asked(key: Any = KEY) -> str:
    return signing.request(pem(key), "multimesh east", ["east.mesh"])


def signed(
    by: Authority = ROOT, *, days: tuple[int, int] = (-1, 300), without: Any = (), key: Any = KEY, **others: Any
) -> str:
    """What a CA makes of the request that keeps its extensions, but for some."""
    extensions = {type(one.value): one.value for one in x509.load_pem_x509_csr(asked(key).encode()).extensions}
    kept = [others.pop("names", None) or extensions[x509.NameConstraints], extensions[x509.KeyUsage]]
    kept = [one for one in kept if type(one) not in without]
    issuer = x509.load_pem_x509_certificate(by.certificate.encode()).subject
    return certified(named("multimesh east"), key, issuer, by.key, *kept, days=days, path_length=0, **others)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    """Run a stack with a root without a key, and with the text of east's certificate."""

    def run(east: str | None = None, root: str = ROOT.certificate, state: Any = STATE, **given: Any) -> Any:
        (tmp_path / "root.pem").write_text(root)
        trust: dict[str, Any] = {"root": {"certificate": str(tmp_path / "root.pem")}}
        if east is not None:
            (tmp_path / "east.pem").write_text(east)
            trust["certificates"] = {"east": str(tmp_path / "east.pem")}
        stated = {key: value for key, value in (trust | given.pop("trust", {})).items() if value is not None}
        config = {"meshes": {"east": LOCAL}, "sample": False, "trust": stated, **given}
        return record(config, stacks={"state of test": state})

    return run


def refused(run: Callable[..., Any], *given: Any, **others: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        run(*given, **others)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_the_first_up_makes_the_request_and_says_what_to_sign(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda line, *_, **__: said.append(line))
    recording = run(state={})
    assert recording.outputs["requests"] == {"east": "request of east-signing-request"}
    assert recording.outputs["meshes"] == {}
    assert [line for line in said if "certificates" in line] == [
        "multimesh:trust.certificates: there is none for east, so the mesh waits, and is not created yet: after this "
        "`pulumi up`, have its request (output `requests`) signed with the extensions that it asks for (a CA with path "
        "length 0, and critical name constraints that permit east.mesh), set trust.certificates.east to the file, and "
        "run `pulumi up` again"
    ]


@pytest.mark.parametrize(
    ("certificate", "root", "between"),
    [
        (lambda: signed(), ROOT.certificate, ""),
        (lambda: signed() + ROOT.certificate, ROOT.certificate, ""),
        (lambda: signed(ISSUING) + ISSUING.certificate, ROOT.certificate, ISSUING.certificate),
        (lambda: signed(ISSUING) + ISSUING.certificate + ROOT.certificate, ROOT.certificate, ISSUING.certificate),
        (lambda: signed(ISSUING), ISSUING.certificate + ROOT.certificate, ISSUING.certificate),
    ],
    ids=["alone", "with the root", "with its chain", "with all", "the chain beside the root"],
)
def test_a_signed_certificate_is_taken_in_every_shape(
    certificate: Callable[[], str], root: str, between: str, run: Callable[..., Any]
) -> None:
    east = certificate()
    files = run(east, root)["east-cacerts"].inputs["stringData"]
    alone = east[: east.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n"
    assert files["ca-cert.pem"] == alone
    assert files["cert-chain.pem"] == alone + between + ROOT.certificate
    assert files["root-cert.pem"] == ROOT.certificate
    assert files["ca-key.pem"] == "key of east-ca"


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        (
            lambda: signed(key=new_key()),
            "is not for the key of mesh east's CA: remove it, run `pulumi up`, and have the",
        ),
        (lambda: ROOT.certificate + signed(), "is not for the key of mesh east's CA"),
        (
            lambda: signed(ISSUING),
            "ends at 'CN=multimesh east', and the CA that signed it, 'CN=Shop issuing CA', is not",
        ),
        (lambda: signed() + ISSUING.certificate, "has 'CN=Shop issuing CA', which is not on the way from"),
        (lambda: signed(STRANGER) + STRANGER.certificate, "ends at another root, 'CN=Other root'"),
        (lambda: signed(days=(-9, -3)), "expired on"),
        (lambda: signed(days=(3, 9)), "is not valid before"),
        (lambda: signed(ca=False), "is not a CA (basic constraints)"),
        (lambda: signed(without=[x509.NameConstraints]), "has no name constraints, so it could sign for every mesh"),
        (lambda: signed(names=signing.name_constraints(["west.mesh"])), "may sign URI names other than those of trust"),
        (lambda: signed(names=only_uri()), "may sign DNS names other than those of trust domain east.mesh"),
        (lambda: signed(critical=False), "has name constraints that are not critical"),
        (lambda: signed(ROOT.below("Shop issuing CA", path_length=0)), "ends at 'CN=multimesh east'"),
        (lambda: signed(EXPIRED) + EXPIRED.certificate, "is below 'CN=Expired CA', which expired on"),
        (lambda: signed(LEAF) + LEAF.certificate, "is below 'CN=Leaf', which is not a CA (basic constraints)"),
        (lambda: "text", "is not a PEM certificate"),
        (lambda: asked(), "is a request: give the certificate that was signed for it"),
        (lambda: signed() + pem(KEY), "has a private key: the key of a mesh's CA never leaves its stack"),
        (lambda: signed()[:-80] + "AAAA\n-----END CERTIFICATE-----\n", "has a certificate that cannot be read"),
    ],
)
def test_a_certificate_that_must_not_be_used_is_refused_in_one_line(
    certificate: Callable[[], str], message: str, run: Callable[..., Any]
) -> None:
    lines = refused(run, certificate())
    assert [line for line in lines if message in line], lines
    assert all(line.startswith("multimesh:trust.certificates.east: ") for line in lines)
    assert "PRIVATE KEY-----" not in str(lines)


@pytest.mark.parametrize(
    ("permitted", "message"),
    [
        (["east.mesh"], "may not sign for trust domain shop.example (name constraints): sign the request with the"),
        (
            ["east.mesh", "shop.example", "old.mesh"],
            "may sign URI names other than those of trust domains east.mesh, shop.example and its istiod",
        ),
    ],
)
def test_a_certificate_must_be_for_all_trust_domains_of_the_mesh_and_no_other(
    permitted: list[str], message: str, run: Callable[..., Any]
) -> None:
    meshes = {"east": LOCAL | {"trust_domain_aliases": ["shop.example"]}}
    with pytest.raises(SettingsError) as caught:
        run(signed(names=signing.name_constraints(permitted)), meshes=meshes)
    assert message in str(caught.value)
    both = signing.name_constraints(["east.mesh", "shop.example"])
    assert "ca-cert.pem" in run(signed(names=both), meshes=meshes)["east-cacerts"].inputs["stringData"]


def only_uri() -> x509.NameConstraints:
    return x509.NameConstraints(
        [x509.UniformResourceIdentifier("east.mesh")], [x509.UniformResourceIdentifier(".east.mesh")]
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"trust": {"certificates": {"north": "n.pem"}}}, "must be a mesh of this stack: east"),
        ({"trust": {"certificates": {"east": "/nowhere/e.pem"}}}, "trust.certificates.east: '/nowhere/e.pem': No such"),
        ({"trust": {"certificates": {"east": 7}}}, "trust.certificates.east: 7: must be the path of a PEM file"),
        ({"trust": {"certificates": {"east": "~nobody-here/e.pem"}}}, "trust.certificates.east: '~nobody-here/e.pem'"),
        ({"trust": {"issues": {"west": {}}}}, "`issues` needs the key of the root, to sign"),
        ({"trust": {"intermediate_days": 9}}, "`intermediate_days` needs the key of the root, to sign"),
        (
            {
                "meshes": {"east": LOCAL, "west": LOCAL},
                "topology": {"kind": "single-mesh", "network": "gateways"},
            },
            "multimesh:trust.root.key: is missing: in a topology single-mesh the stack signs the CAs of all clusters",
        ),
    ],
)
def test_what_needs_the_key_or_names_no_certificate_is_refused(
    given: dict[str, Any], message: str, run: Callable[..., Any]
) -> None:
    assert [line for line in refused(run, **given) if message in line]


def test_certificates_of_a_root_that_the_stack_makes_are_refused(run: Callable[..., Any]) -> None:
    [line] = refused(run, signed(), trust={"root": None})
    assert "`certificates` are signed by a root whose key is elsewhere" in line


def test_a_certificate_before_there_is_a_request_is_refused(run: Callable[..., Any]) -> None:
    [line] = refused(run, signed(), state={})
    assert "is not for the key of mesh east's CA: remove it, run `pulumi up`" in line


@pytest.mark.parametrize(
    "key",
    [KEY, ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
    ids=["P-256", "P-384", "RSA"],
)
@pytest.mark.parametrize("verified", TOOLS)
@pytest.mark.needs("openssl")
def test_openssl_signs_the_request_with_all_that_it_asks_for(key: Any, verified: Verdicts, tmp_path: Path) -> None:
    files = {"east.csr": asked(key), "ca.pem": ROOT.certificate, "ca.key": ROOT.key_pem}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    command = ["openssl", "x509", "-req", "-in", "east.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "90"]
    subprocess.run(
        [*command, "-copy_extensions", "copyall", "-out", "east.pem"], cwd=tmp_path, check=True, capture_output=True
    )
    mesh = Authority((tmp_path / "east.pem").read_text(), key)
    names = [[uri(str(name.value).replace("west", "east")) for name in OWN[0]], OWN[2], [uri("spiffe://a.b/ns/c/sa/d")]]
    leaves = [mesh.leaf(*of) for of in names]
    assert verified(tmp_path, ROOT, mesh, leaves) == [True, True, False]


def test_a_request_is_made_anew_for_another_key_or_trust_domain_and_keeps_no_key() -> None:
    provider = CertificateRequestProvider()
    given = {"private_key_pem": pem(KEY), "public_key_pem": "p", "common_name": "c" * 80, "trust_domain": "e" * 100}
    outputs = provider.create(given).outs or {}
    assert "PRIVATE KEY" not in json.dumps(outputs)
    assert not provider.diff("1", outputs, given | {"private_key_pem": "in another format"}).changes
    for name in ("public_key_pem", "common_name", "trust_domain"):
        assert provider.diff("1", outputs, given | {name: "other"}).replaces == [name]


def test_a_key_that_no_proxy_verifies_makes_no_request() -> None:
    with pytest.raises(signing.SigningError, match="must be an ECDSA or RSA key"):
        signing.request(pem(ed25519.Ed25519PrivateKey.generate()), "east", ["east.mesh"])  # pyright: ignore[reportArgumentType]


def test_a_certificate_that_expires_soon_is_said_with_what_to_do(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda line, *_, **__: said.append(line))
    run(signed(days=(-1, 50)))
    [line] = [line for line in said if line.startswith("multimesh:trust: the CA of trust domain east.mesh expires on ")]
    assert f"{datetime.now(UTC) + timedelta(days=50):%Y-%m-%d}" in line
    assert line.endswith(
        "have the request (output `requests`) signed again, and set trust.certificates to the new certificate"
    )
