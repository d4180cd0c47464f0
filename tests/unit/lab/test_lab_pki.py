"""The certificates of a cluster."""

import base64
import ssl
import stat
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from lab import paths, pki
from lab.allocation import Allocation

CLUSTER = Allocation("mm000001", "east", 201, "pause", "coredns")
FILES = pki.make(CLUSTER)


def _certificate(name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(FILES[f"{name}.crt"])


def _user(name: str) -> x509.Certificate:
    config = yaml.safe_load(FILES[f"{name}.kubeconfig"])
    return x509.load_pem_x509_certificate(base64.b64decode(config["users"][0]["user"]["client-certificate-data"]))


def _subject(certificate: x509.Certificate) -> tuple[object, ...]:
    oids = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    return tuple(name.value for oid in oids for name in certificate.subject.get_attributes_for_oid(oid))


@pytest.mark.parametrize(
    ("server", "name"),
    [
        ("apiserver", x509.IPAddress(pki.IPv4Address("10.201.0.2"))),
        ("apiserver", x509.IPAddress(pki.IPv4Address("10.201.16.1"))),
        ("apiserver", x509.DNSName("kubernetes.default.svc")),
        ("apiserver", x509.DNSName("kubernetes.default.svc.cluster.local")),
        ("kubelet", x509.IPAddress(pki.IPv4Address("10.201.0.2"))),
    ],
)
def test_a_server_is_trusted_under_the_names_it_is_reached_by(server: str, name: x509.GeneralName) -> None:
    verifier = PolicyBuilder().store(Store([_certificate("ca")])).build_server_verifier(name)  # type: ignore[arg-type]
    verifier.verify(_certificate(server), [])


@pytest.mark.parametrize(
    ("client", "subject"),
    [
        ("admin", ("admin", "system:masters")),
        ("kubelet", ("system:node:mm000001", "system:nodes")),
        ("kube-controller-manager", ("system:kube-controller-manager",)),
        ("kube-scheduler", ("system:kube-scheduler",)),
        ("kube-proxy", ("system:kube-proxy",)),
    ],
)
def test_a_client_is_who_kubernetes_default_roles_expect(client: str, subject: tuple[str, ...]) -> None:
    assert _subject(_user(client)) == subject


def test_a_client_cannot_pose_as_a_server() -> None:
    usage = _user("kubelet").extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]  # type: ignore[call-overload]


def test_the_ca_signs_no_other_ca() -> None:
    constraints = _certificate("ca").extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)


def test_the_key_of_the_ca_is_not_kept() -> None:
    assert "ca.key" not in FILES


def test_two_clusters_have_no_ca_in_common() -> None:
    assert pki.make(CLUSTER)["ca.crt"] != FILES["ca.crt"]


def test_a_certificate_tolerates_a_clock_that_is_slow() -> None:
    certificate = _certificate("apiserver")
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == pki.VALIDITY + pki.CLOCK_SKEW


def test_the_service_account_key_is_of_the_kind_that_the_api_server_reads() -> None:
    assert FILES["sa.key"].startswith(b"-----BEGIN EC PRIVATE KEY-----")


def test_the_admin_kubeconfig_leads_to_the_api_server() -> None:
    config = yaml.safe_load(FILES["admin.kubeconfig"])
    assert config["clusters"][0]["cluster"]["server"] == "https://10.201.0.2:6443"


def test_the_context_of_the_kubeconfig_is_the_clusters_name() -> None:
    assert yaml.safe_load(FILES["admin.kubeconfig"])["current-context"] == "east"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "STATE", tmp_path)
    CLUSTER.folder.mkdir()
    pki.write(CLUSTER)
    return CLUSTER.folder / "pki"


def test_only_the_owner_can_read_what_is_written(folder: Path) -> None:
    modes = {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert (stat.S_IMODE(folder.stat().st_mode), modes) == (0o700, {0o600})


def test_a_written_key_belongs_to_its_certificate(folder: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(folder / "admin.crt", folder / "admin.key")  # raises for a key of another certificate


def test_etcds_certificates_are_of_a_ca_that_nothing_else_trusts() -> None:
    files = pki.make_etcd()
    certificates = {name: x509.load_pem_x509_certificate(files[f"{name}.crt"]) for name in ("ca", "server", "client")}
    name = x509.IPAddress(pki.IPv4Address("127.0.0.1"))
    PolicyBuilder().store(Store([certificates["ca"]])).build_server_verifier(name).verify(certificates["server"], [])
    certificates["client"].verify_directly_issued_by(certificates["ca"])
    assert certificates["ca"].public_key() != _certificate("ca").public_key()
    assert "ca.key" not in files


def test_etcds_certificates_are_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "STATE", tmp_path)
    CLUSTER.folder.mkdir()
    assert [pki.write_etcd(CLUSTER), pki.write_etcd(CLUSTER)] == [True, False]
    assert stat.S_IMODE((CLUSTER.folder / "etcd-pki").stat().st_mode) == 0o700


def test_leftovers_of_an_interrupted_write_do_not_count_as_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "STATE", tmp_path)
    (CLUSTER.folder / "pki.unfinished").mkdir(parents=True)
    assert not pki.exists(CLUSTER)
