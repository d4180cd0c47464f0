"""The certificates, keys and kubeconfigs of one cluster, all signed by a CA of its own."""

import base64
import datetime
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.allocation import Allocation

ETCD = "etcd-pki"
"""The folder of etcd's certificates."""
VALIDITY = datetime.timedelta(days=3650)
CLOCK_SKEW = datetime.timedelta(minutes=5)


@dataclass(frozen=True)
class _Authority:
    certificate: x509.Certificate
    key: EllipticCurvePrivateKey


def _builder(common_name: str, organization: str | None = None) -> x509.CertificateBuilder:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + VALIDITY)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    unused = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only")
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        decipher_only=False,
        **dict.fromkeys(unused, False),
    )


def _make_authority(common_name: str) -> _Authority:
    key = generate_private_key(SECP256R1())
    certificate = (
        _builder(common_name)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _Authority(certificate, key)


def _issue(
    authority: _Authority,
    common_name: str,
    organization: str | None = None,
    server_names: list[str | IPv4Address] | None = None,
    *,
    also_client: bool = False,
) -> tuple[bytes, bytes]:
    """Return certificate and key as PEM: a client's, or a server's when it has names or addresses to be reached by."""
    key = generate_private_key(SECP256R1())
    usages = [ExtendedKeyUsageOID.SERVER_AUTH if server_names else ExtendedKeyUsageOID.CLIENT_AUTH]
    if also_client:
        usages.append(ExtendedKeyUsageOID.CLIENT_AUTH)
    builder = (
        _builder(common_name, organization)
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    if server_names:
        names = [x509.DNSName(name) if isinstance(name, str) else x509.IPAddress(name) for name in server_names]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(authority.key, hashes.SHA256())
    return certificate.public_bytes(Encoding.PEM), _private(key)


def _private(key: EllipticCurvePrivateKey) -> bytes:
    # SEC1 rather than PKCS#8: the API server reads no other kind of service-account key.
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _kubeconfig(cluster: Allocation, user: str, authority: bytes, certificate: bytes, key: bytes) -> bytes:
    def encode(pem: bytes) -> str:
        return base64.b64encode(pem).decode()

    server = {"server": cluster.server, "certificate-authority-data": encode(authority)}
    credentials = {"client-certificate-data": encode(certificate), "client-key-data": encode(key)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster.name, "cluster": server}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": cluster.name, "context": {"cluster": cluster.name, "user": user}}],
        "current-context": cluster.name,
    }
    return yaml.safe_dump(config, sort_keys=False).encode()


def exists(cluster: Allocation) -> bool:
    """Return whether the cluster's files were written."""
    return (cluster.folder / "pki").exists()


def admin_kubeconfig(cluster: Allocation) -> str:
    """Return the administrator's kubeconfig; raise FileNotFoundError unless the files exist."""
    return (cluster.folder / "pki" / "admin.kubeconfig").read_text()


def make(cluster: Allocation) -> dict[str, bytes]:
    """Return the content of every file by its name.

    `apiserver`, `kubelet` (as server), `apiserver-kubelet-client` and `admin` each as .crt and .key; `sa.key` and
    `sa.pub` for service-account tokens; a .kubeconfig for `admin` and each of the cluster's own clients. The subjects
    are those that Kubernetes' default RBAC roles are bound to. Of the CA, ca.crt alone: its key has no further use.
    """
    authority = _make_authority(f"multimesh {cluster.id}")
    authority_pem = authority.certificate.public_bytes(Encoding.PEM)
    files = {"ca.crt": authority_pem}

    # servers
    suffixes = ("", ".default", ".default.svc", f".default.svc.{cluster.domain}")
    service_names = [f"kubernetes{suffix}" for suffix in suffixes]
    addresses = [IPv4Address(cluster.address), IPv4Address(cluster.kubernetes_service)]
    files["apiserver.crt"], files["apiserver.key"] = _issue(
        authority, "kube-apiserver", server_names=[*service_names, *addresses]
    )
    files["kubelet.crt"], files["kubelet.key"] = _issue(
        authority, cluster.id, server_names=[cluster.id, IPv4Address(cluster.address)]
    )

    # clients
    for name, user, group in (
        ("apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
        ("admin", "admin", "system:masters"),
        ("kubelet", f"system:node:{cluster.id}", "system:nodes"),
        ("kube-controller-manager", "system:kube-controller-manager", None),
        ("kube-scheduler", "system:kube-scheduler", None),
        ("kube-proxy", "system:kube-proxy", None),
    ):
        certificate, key = _issue(authority, user, group)
        files[f"{name}.kubeconfig"] = _kubeconfig(cluster, user, authority_pem, certificate, key)
        if group == "system:masters":
            files[f"{name}.crt"], files[f"{name}.key"] = certificate, key

    # service accounts
    key = generate_private_key(SECP256R1())
    files["sa.key"] = _private(key)
    files["sa.pub"] = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return files


def make_etcd() -> dict[str, bytes]:
    """Return the content of every file of etcd by its name: `ca.crt`, and `server` and `client` as .crt and .key.

    etcd has a CA of its own, as with kubeadm: no other client's certificate opens it.
    """
    authority = _make_authority("multimesh etcd")
    files = {"ca.crt": authority.certificate.public_bytes(Encoding.PEM)}
    loopback: list[str | IPv4Address] = ["localhost", IPv4Address("127.0.0.1")]
    # etcd's members, and its gateway to itself, connect with the certificate that they serve with.
    files["server.crt"], files["server.key"] = _issue(authority, "etcd", server_names=loopback, also_client=True)
    files["client.crt"], files["client.key"] = _issue(authority, "kube-apiserver-etcd-client")
    return files


def write(cluster: Allocation) -> None:
    """Write what make() returns into the folder `pki`."""
    _write(cluster, "pki", make(cluster))


def write_etcd(cluster: Allocation) -> bool:
    """Write what make_etcd() returns into the folder `etcd-pki`, unless it exists; return whether it was written."""
    missing = not (cluster.folder / ETCD).exists()
    if missing:
        _write(cluster, ETCD, make_etcd())
    return missing


def _write(cluster: Allocation, folder: str, files: Mapping[str, bytes]) -> None:
    """Write files into a folder that only root can read; all of them are there once the folder is."""
    unfinished = cluster.folder / f"{folder}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    for name, content in files.items():
        file = unfinished / name
        file.touch(mode=0o600)
        file.write_bytes(content)
    unfinished.rename(cluster.folder / folder)
