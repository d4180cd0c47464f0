"""What a mesh's CA can sign, by OpenSSL, Go and BoringSSL: identities of its trust domain, istiod, and nothing else."""

import functools
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import boringssl
import pytest
from authorities import Authority, new_key, request, root
from cryptography import x509

from components import settings
from components.trust import signing

VERIFY = Path(__file__).parent / "verify/main.go"
Verdicts = Callable[[Path, Authority, Authority, list[str]], list[bool]]


def ca(by: Authority, *trust_domains: str) -> Authority:
    key = new_key()
    signed = signing.sign(request(key), by.certificate, by.key_pem, trust_domains, 24, datetime.now(UTC))
    return Authority(signed.certificate_pem, key)


def uri(text: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(text)


def dns(text: str) -> x509.GeneralName:
    return x509.DNSName(text)


OWN = [
    [uri("spiffe://west.mesh/ns/bank/sa/teller")],
    [uri("spiffe://west.mesh/ns/istio-system/sa/istiod"), uri("spiffe://west.mesh/ns/a/sa/b")],
    [dns("istiod.istio-system.svc"), dns("istiod-remote.istio-system.svc"), dns("istio-pilot.istio-system.svc")],
]
OTHERS = {
    "another trust domain": [uri("spiffe://east.mesh/ns/bank/sa/teller")],
    "another beside its own": [uri("spiffe://west.mesh/ns/a/sa/b"), uri("spiffe://east.mesh/ns/bank/sa/teller")],
    "a subdomain": [uri("spiffe://a.west.mesh/ns/bank/sa/teller")],
    "a parent domain": [uri("spiffe://mesh/ns/bank/sa/teller")],
    "one that ends alike": [uri("spiffe://northwest.mesh/ns/bank/sa/teller")],
    "one that begins alike": [uri("spiffe://west.mesh.example/ns/bank/sa/teller")],
    "an identity as a DNS name": [dns("spiffe://east.mesh/ns/bank/sa/teller")],
    "an identity as a DNS name below istiod's": [dns("spiffe://east.mesh/ns/bank/sa/x.istiod.istio-system.svc")],
    "an identity as an e-mail address": [
        x509.RFC822Name._init_without_validation("spiffe://east.mesh/ns/a/sa/b@invalid")
    ],
    "its own identity and a DNS name": [uri("spiffe://west.mesh/ns/a/sa/b"), dns("shop.example")],
    "a DNS name": [dns("shop.example")],
    "a name below istiod's": [dns("a.istiod.istio-system.svc")],
    "a service of its cluster": [dns("kubernetes.default.svc")],
    "an e-mail address": [x509.RFC822Name("mail@example.com")],
    "an e-mail address of nobody": [x509.RFC822Name("mail@invalid")],
    "an IPv4 address": [x509.IPAddress(ip_address("10.0.0.1"))],
    "an IPv6 address": [x509.IPAddress(ip_address("fd00::1"))],
}


def openssl(folder: Path, by: Authority, intermediate: Authority, leaves: list[str]) -> list[bool]:
    paths = written(folder, by, intermediate, leaves)
    command = ["openssl", "verify", "-x509_strict", "-CAfile", paths[0], "-untrusted", paths[1], *paths[2:]]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    return [f"{path}: OK" in answer for path in paths[2:]]


def go(folder: Path, by: Authority, intermediate: Authority, leaves: list[str]) -> list[bool]:
    command = [_built(folder.parent), *written(folder, by, intermediate, leaves)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(answer) == len(leaves)
    return [line == "OK" for line in answer]


@functools.cache
def _built(folder: Path) -> Path:
    program = folder / "verify"
    subprocess.run(["go", "build", "-o", program, VERIFY], check=True)
    return program


def written(folder: Path, by: Authority, intermediate: Authority, leaves: list[str]) -> list[Path]:
    paths = [folder / f"{index}.pem" for index in range(len(leaves) + 2)]
    for path, certificate in zip(paths, [by.certificate, intermediate.certificate, *leaves], strict=True):
        path.write_text(certificate)
    return paths


def envoys(_folder: Path, by: Authority, intermediate: Authority, leaves: list[str]) -> list[bool]:
    return boringssl.verdicts(by, intermediate, leaves)


TOOLS = [
    pytest.param(openssl, marks=pytest.mark.needs("openssl")),
    pytest.param(go, marks=pytest.mark.needs("go")),
    pytest.param(envoys),
]


@pytest.fixture
def anchor() -> Authority:
    return root()


@pytest.mark.parametrize("verified", TOOLS)
def test_identities_of_its_trust_domain_and_istiod_are_accepted(
    verified: Verdicts, anchor: Authority, tmp_path: Path
) -> None:
    west = ca(anchor, "west.mesh")
    assert verified(tmp_path, anchor, west, [west.leaf(*names) for names in OWN]) == [True] * len(OWN)


@pytest.mark.parametrize("verified", TOOLS)
def test_identities_of_both_trust_domains_of_a_mesh_are_accepted_and_of_nothing_below_them(
    verified: Verdicts, anchor: Authority, tmp_path: Path
) -> None:
    west = ca(anchor, "west.mesh", "old.example")
    hosts = ["west.mesh", "old.example", "x.west.mesh", "x.old.example", "east.mesh"]
    leaves = [west.leaf(uri(f"spiffe://{host}/ns/a/sa/b")) for host in hosts]
    assert verified(tmp_path, anchor, west, leaves) == [True, True, False, False, False]


@pytest.mark.parametrize("verified", TOOLS)
def test_every_other_name_is_refused(verified: Verdicts, anchor: Authority, tmp_path: Path) -> None:
    west = ca(anchor, "west.mesh")
    verdicts = verified(tmp_path, anchor, west, [west.leaf(*names) for names in OTHERS.values()])
    assert [case for case, accepted in zip(OTHERS, verdicts, strict=True) if accepted] == []


@pytest.mark.parametrize("verified", TOOLS)
@pytest.mark.parametrize(
    "domain", ["mesh", "1.mesh", "a--b.c", f"{'a' * 63}.mesh", ".".join(["a" * 63] * 3 + ["b" * 61])]
)
def test_whatever_trust_domain_the_settings_take_can_be_stated(
    verified: Verdicts, domain: str, anchor: Authority, tmp_path: Path
) -> None:
    settings.validate({"meshes": {"east": {"cluster": {"kind": "local"}, "trust_domain": domain}}})
    confined = ca(anchor, domain)
    leaves = [confined.leaf(uri(f"spiffe://{host}/ns/a/sa/b")) for host in (domain, f"x{domain}", f"x.{domain}")]
    assert verified(tmp_path, anchor, confined, leaves) == [True, False, False]


def test_an_underscore_is_refused_as_it_is_by_envoy(anchor: Authority) -> None:
    confined = ca(anchor, "a_b.mesh")
    assert boringssl.verdicts(anchor, confined, [confined.leaf(uri("spiffe://a_b.mesh/ns/a/sa/b"))]) == [False]
    message = r"meshes\.east\.trust_domain: 'a_b\.mesh': must have no '_'"
    with pytest.raises(settings.SettingsError, match=message):
        settings.validate({"meshes": {"east": {"cluster": {"kind": "local"}, "trust_domain": "a_b.mesh"}}})
