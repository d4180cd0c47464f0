"""The keys and certificates of a cluster created with kubeadm. Pulumi creates them before the first node."""

import base64
import hashlib
import string
from collections.abc import Mapping
from typing import TypedDict

import pulumi
import pulumi_tls as tls

from components.clusters.kubeadm import configuration

_HOURS_A_DAY = 24
_CA_DAYS = 3650
_ADMIN_DAYS = 365
_TOKEN_LETTERS = string.digits + string.ascii_lowercase
_TOKEN_PARTS = (6, 16)  # of kubeadm's token: id and secret


class KubernetesPkiArgs(TypedDict):
    """The arguments of a cluster's PKI."""

    cluster: str
    """The cluster's name: in the subjects of its CAs, and in the kubeconfig."""


class KubernetesPki(pulumi.ComponentResource):
    """CAs, service-account key, administrator's certificate and join token of one cluster.

    kubeadm signs every other certificate on the nodes. The CAs are valid for ten years and are not renewed earlier: a
    renewed CA would replace the cluster. The administrator's certificate is renewed in the last third of its year.
    """

    control_plane_files: Mapping[str, pulumi.Output[str]]
    """The files of a control-plane node, by path below /etc/kubernetes: `token`, `encryption.yaml` and `pki/...`. All
    are secrets, and shorter than the 4096 characters that a standard parameter holds."""
    worker_files: Mapping[str, pulumi.Output[str]]
    """The files of a worker, in the same form: `token`, and `ca.crt`, by which it knows the cluster."""
    token: pulumi.Output[str]
    """A secret: `<6 characters>.<16 characters>` of a-z and 0-9, as kubeadm requires."""
    ca_certificate_pem: pulumi.Output[str]

    def __init__(self, name: str, args: KubernetesPkiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("multimesh:index:KubernetesPki", name, dict(args), opts)
        self._name, self._cluster = name, args["cluster"]
        ca_key, ca = self._authority("ca", f"{self._cluster} kubernetes")
        front_proxy_key, front_proxy = self._authority("front-proxy-ca", f"{self._cluster} front-proxy")
        etcd_key, etcd = self._authority("etcd-ca", f"{self._cluster} etcd")
        service_account = self._key("sa")
        self.ca_certificate_pem = ca.cert_pem
        self.token = pulumi.Output.secret(self._key("token").private_key_pem_pkcs8.apply(_token))
        self._admin_key, self._admin = self._administrator(ca_key, ca)
        files = {
            "token": self.token,
            "encryption.yaml": self._key("encryption").private_key_pem_pkcs8.apply(_encryption),
            "pki/ca.crt": ca.cert_pem,
            "pki/ca.key": ca_key.private_key_pem,
            "pki/front-proxy-ca.crt": front_proxy.cert_pem,
            "pki/front-proxy-ca.key": front_proxy_key.private_key_pem,
            "pki/etcd/ca.crt": etcd.cert_pem,
            "pki/etcd/ca.key": etcd_key.private_key_pem,
            "pki/sa.key": service_account.private_key_pem,
            "pki/sa.pub": service_account.public_key_pem,
        }
        self.control_plane_files = {path: pulumi.Output.secret(content) for path, content in files.items()}
        self.worker_files = {"token": self.token, "ca.crt": pulumi.Output.secret(ca.cert_pem)}
        self.register_outputs({"ca_certificate_pem": self.ca_certificate_pem})

    def kubeconfig(self, server: pulumi.Input[str]) -> pulumi.Output[str]:
        """Return the administrator's kubeconfig, a secret; `server` is the API's URL, such as `https://name:6443`."""
        return pulumi.Output.secret(
            pulumi.Output.all(
                self._cluster,
                server,
                self.ca_certificate_pem,
                self._admin.cert_pem,
                self._admin_key.private_key_pem,
            ).apply(lambda parts: _kubeconfig(*parts))
        )

    def _key(self, what: str) -> tls.PrivateKey:
        # Its PEM is SEC1: the API server reads a service-account key as PKCS#1 or SEC1, never as PKCS#8.
        return tls.PrivateKey(
            f"{self._name}-{what}-key",
            algorithm="ECDSA",
            ecdsa_curve="P256",
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _authority(self, what: str, common_name: str) -> tuple[tls.PrivateKey, tls.SelfSignedCert]:
        key = self._key(what)
        return key, tls.SelfSignedCert(
            f"{self._name}-{what}",
            private_key_pem=key.private_key_pem,
            subject={"common_name": common_name},
            is_ca_certificate=True,
            allowed_uses=["cert_signing", "digital_signature", "key_encipherment"],
            set_subject_key_id=True,
            validity_period_hours=_CA_DAYS * _HOURS_A_DAY,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _administrator(
        self, ca_key: tls.PrivateKey, ca: tls.SelfSignedCert
    ) -> tuple[tls.PrivateKey, tls.LocallySignedCert]:
        own = pulumi.ResourceOptions(parent=self)
        key = self._key("admin")
        request = tls.CertRequest(
            f"{self._name}-admin-request",
            private_key_pem=key.private_key_pem,
            # The group that kubeadm itself binds to cluster-admin; unlike system:masters it can be revoked.
            subject={"common_name": "multimesh", "organization": "kubeadm:cluster-admins"},
            opts=own,
        )
        return key, tls.LocallySignedCert(
            f"{self._name}-admin",
            cert_request_pem=request.cert_request_pem,
            ca_cert_pem=ca.cert_pem,
            ca_private_key_pem=ca_key.private_key_pem,
            allowed_uses=["digital_signature", "key_encipherment", "client_auth"],
            validity_period_hours=_ADMIN_DAYS * _HOURS_A_DAY,
            early_renewal_hours=_ADMIN_DAYS * _HOURS_A_DAY // 3,
            opts=own,
        )


def _token(secret: str) -> str:
    """Return kubeadm's token, derived from a secret: 16 characters of 36 hold 82 of its bits."""
    number = int.from_bytes(hashlib.sha256(secret.strip().encode()).digest(), "big")
    letters: list[str] = []
    for _ in range(sum(_TOKEN_PARTS)):
        number, letter = divmod(number, len(_TOKEN_LETTERS))
        letters.append(_TOKEN_LETTERS[letter])
    return "".join(letters[: _TOKEN_PARTS[0]]) + "." + "".join(letters[_TOKEN_PARTS[0] :])


def _encryption(secret: str) -> str:
    """Return the configuration by which the API server encrypts Secrets in etcd, with a key derived from a secret."""
    return configuration.encryption(base64.b64encode(hashlib.sha256(secret.strip().encode()).digest()).decode())


def _kubeconfig(cluster: str, server: str, ca: str, certificate: str, key: str) -> str:
    import yaml

    def encode(pem: str) -> str:
        return base64.b64encode(pem.encode()).decode()

    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": server, "certificate-authority-data": encode(ca)}}],
        "users": [
            {
                "name": cluster,
                "user": {"client-certificate-data": encode(certificate), "client-key-data": encode(key)},
            }
        ],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
        "current-context": cluster,
    }
    return yaml.safe_dump(document, sort_keys=False)
