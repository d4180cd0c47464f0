"""A company's own PKI, made by openssl: first it signs the stack's request, then the stack has its issuing CA.

The offline root has an RSA key, the issuing CA below it an ECDSA key.
"""

import subprocess
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.environment import CHECKOUT
from lab.stack import PulumiError, Stack
from tests.e2e.test_6_stacks import Lines
from tests.faults.load import load

CA = "basicConstraints=critical,CA:true,pathlen:{}\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def sign(folder: Path, request: str, certificate: str, by: str, *extensions: str) -> None:
    issuer = ["-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-days", "90"]
    openssl(folder, "x509", "-req", "-in", request, *issuer, *extensions, "-out", certificate)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with root.pem, root.key, issuing.pem and issuing.key; only the owner may read the keys."""
    folder = tmp_path_factory.mktemp("pki")
    folder.chmod(0o700)
    for name, length in (("root", 2), ("issuing", 1)):
        (folder / f"{name}.ext").write_text(CA.format(length))
    subject = ["-nodes", "-sha256", "-subj", "/O=Shop/CN=Shop"]
    root = ["req", "-x509", "-newkey", "rsa:2048", *subject, "-days", "900", "-keyout", "root.key", "-out", "root.pem"]
    openssl(folder, *root, *(part for line in CA.format(2).splitlines()[:2] for part in ("-addext", line)))
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-subj", "/O=Shop/CN=Shop issuing CA"]
    openssl(folder, "req", "-new", *curve, "-keyout", "issuing.key", "-out", "issuing.csr")
    sign(folder, "issuing.csr", "issuing.pem", "root", "-extfile", "issuing.ext")
    return folder


@pytest.fixture(scope="module")
def said(show: Callable[[str], None]) -> Lines:
    return Lines(show)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, pki: Path, said: Lines) -> Iterator[Stack]:
    """A stack of one mesh under the company's root, not up yet."""
    stack = Stack(tmp_path_factory.mktemp("own"), said.add, "own", CHECKOUT / "examples/stacks/Pulumi.east.yaml")
    stack.configure(alone)
    trust(stack, root={"certificate": str(pki / "root.pem")})
    with stack.destroyed_at_the_end():
        yield stack


def alone(config: dict[str, Any]) -> None:
    """Take the peer out of a stack's configuration."""
    del config["multimesh:peers"]
    for service in config["multimesh:services"]:
        del service["peers"]


def trust(stack: Stack, **settings: Any) -> None:
    stack.configure(lambda config: config.update({"multimesh:trust": settings}))


def certificates(stack: Stack) -> dict[str, str]:
    with stack.api("east") as api:
        secret = api.read_namespaced_secret("cacerts", "istio-system")
        return {name: b64decode(text).decode() for name, text in secret.data.items() if name != "ca-key.pem"}


def test_the_first_up_exports_the_request_and_says_what_to_sign(own: Stack, said: Lines) -> None:
    own.up()
    assert own.all_outputs()["meshes"] == {}
    assert any("multimesh:trust.certificates: there is none for east" in line for line in said)


def test_the_second_up_takes_what_the_company_signed(own: Stack, pki: Path) -> None:
    (pki / "east.csr").write_text(own.all_outputs()["requests"]["east"])
    sign(pki, "east.csr", "east.pem", "issuing", "-copy_extensions", "copyall")
    (pki / "tls.crt").write_text((pki / "east.pem").read_text() + (pki / "issuing.pem").read_text())
    trust(own, root={"certificate": str(pki / "root.pem")}, certificates={"east": str(pki / "tls.crt")})
    own.up()
    assert own.verify()["findings"] == []
    files = certificates(own)
    chain = [(pki / name).read_text() for name in ("east.pem", "issuing.pem", "root.pem")]
    assert files == {"ca-cert.pem": chain[0], "cert-chain.pem": "".join(chain), "root-cert.pem": chain[2]}


def test_the_issuing_ca_takes_over_and_no_request_fails(own: Stack, pki: Path) -> None:
    issuing = {"certificate": "issuing.pem", "chain": "root.pem", "key": "issuing.key"}
    trust(own, root={key: str(pki / name) for key, name in issuing.items()}, intermediate_days=60)
    with load(own.outputs().meshes["east"].ingress_url) as requests:
        own.up()
    assert requests.reasons() == {}
    assert own.settled() == []
    assert certificates(own)["cert-chain.pem"].endswith(
        (pki / "issuing.pem").read_text() + (pki / "root.pem").read_text()
    )


def test_the_state_has_no_key_of_the_company(own: Stack, pki: Path) -> None:
    state = own.state("--show-secrets")
    assert "PRIVATE KEY" in state, "the mesh's own"
    for name in ("root.key", "issuing.key"):
        assert (pki / name).read_text().splitlines()[1] not in state


def test_the_key_may_be_away_until_something_is_to_be_signed(own: Stack, pki: Path) -> None:
    (pki / "issuing.key").rename(pki / "away.key")
    own.up("--expect-no-changes")
    own.configure(lambda config: config["multimesh:trust"].update({"intermediate_days": 50}))
    with pytest.raises(
        PulumiError, match=r"issuing\.key is not there \(trust\.root\.key\), and the CA of trust domain"
    ):
        own.preview()
