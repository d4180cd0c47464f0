"""The certificate of an intermediate CA that is confined to one mesh's trust domains, as plain X.509.

Import it where a certificate is signed, and nowhere at the top of the program: `cryptography` takes time to load.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from components.istio import istiod_hosts
from components.trust.mesh_key import LONGEST_NAME

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_PATH_LENGTH = 0
_NO_MAIL_HOST = "invalid"
_EVERY_ADDRESS = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
_LARGEST_CURVE_OF_SHA256 = 256
_LARGEST_CURVE_OF_SHA384 = 384


class SigningError(ValueError):
    """A certificate cannot be signed from what is given; the message says why."""


@dataclass(frozen=True)
class Signed:
    """A signed certificate (PEM), its serial number in decimal, and its validity."""

    certificate_pem: str
    serial: str
    start: datetime
    end: datetime


def sign(
    request_pem: str,
    root_pem: str,
    root_key_pem: str,
    trust_domains: Sequence[str],
    hours: int,
    now: datetime,
    revisions: Sequence[str] = (),
) -> Signed:
    """Sign the request of a mesh's CA, whose certificates are then valid for identities of `trust_domains` alone.

    They are also valid for the names of istiod, and for those that control planes of `revisions` have.
    Raise SigningError if the request does not prove its key, or the key is not the root's.
    """
    asked = x509.load_pem_x509_csr(request_pem.encode())
    root = x509.load_pem_x509_certificate(root_pem.encode())
    key = load_pem_private_key(root_key_pem.encode(), password=None)
    if not isinstance(key, Key):
        raise SigningError("the root CA's key must be an ECDSA or RSA key")
    if not asked.is_signature_valid:
        raise SigningError("the certificate request is not signed by its own key")
    if root.public_key() != key.public_key():
        raise SigningError("the private key is not the key of the root CA's certificate")
    start = now.astimezone(UTC).replace(microsecond=0)
    end = start + timedelta(hours=hours)
    serial = x509.random_serial_number()
    public_key = asked.public_key()
    certificate = (
        x509.CertificateBuilder(root.subject, asked.subject, public_key, serial, start, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=_PATH_LENGTH), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(name_constraints(trust_domains, revisions), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(authority_key_identifier(root, key), critical=False)
        .sign(key, hash_for(key))
    )
    return Signed(certificate.public_bytes(Encoding.PEM).decode(), str(serial), start, end)


def request(key_pem: str, common_name: str, trust_domains: Sequence[str]) -> str:
    """Return a request (PEM) for the certificate that `sign` makes: it asks for the same extensions (RFC 2986).

    Raise SigningError if the key is no ECDSA or RSA key.
    """
    key = load_pem_private_key(key_pem.encode(), password=None)
    if not isinstance(key, Key):
        raise SigningError("the key of a mesh's CA must be an ECDSA or RSA key")
    named = {NameOID.COMMON_NAME: common_name, NameOID.ORGANIZATION_NAME: trust_domains[0]}
    subject = x509.Name(x509.NameAttribute(kind, text[:LONGEST_NAME]) for kind, text in named.items())
    made = (
        x509.CertificateSigningRequestBuilder(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=_PATH_LENGTH), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(name_constraints(trust_domains), critical=True)
        .sign(key, hash_for(key))
    )
    return made.public_bytes(Encoding.PEM).decode()


def name_constraints(trust_domains: Sequence[str], revisions: Sequence[str] = ()) -> x509.NameConstraints:
    """Return constraints that permit URIs of the trust domains, the names of istiod, and no other name (RFC 5280).

    Envoy compares an identity with names of every kind: a DNS name `spiffe://...` would be one if any DNS name were
    permitted. A permitted name is one host by the RFC's rule for URIs, and also its subdomains by that for DNS names
    and in Go's rule for URIs, so these are excluded. What is permitted and excluded is no e-mail address at all.
    """
    uris = trust_domains, [f".{domain}" for domain in trust_domains]
    istiod = istiod_hosts(revisions)
    hosts = istiod, [f".{host}" for host in istiod]
    permitted, excluded = (
        [
            *map(x509.UniformResourceIdentifier, uris[which]),
            *map(x509.DNSName, hosts[which]),
            x509.RFC822Name(_NO_MAIL_HOST),
        ]
        for which in (0, 1)
    )
    return x509.NameConstraints(permitted, [*excluded, *map(x509.IPAddress, _EVERY_ADDRESS)])


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def authority_key_identifier(issuer: x509.Certificate | None, key: Key) -> x509.AuthorityKeyIdentifier:
    """Return the identifier that the issuer's certificate states, else the one that is computed from its key."""
    try:
        if issuer is None:
            return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        stated = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(stated)


def hash_for(key: Key) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
    """Return a hash that is as strong as the key's curve."""
    if isinstance(key, rsa.RSAPrivateKey) or key.curve.key_size <= _LARGEST_CURVE_OF_SHA256:
        return hashes.SHA256()
    return hashes.SHA384() if key.curve.key_size <= _LARGEST_CURVE_OF_SHA384 else hashes.SHA512()
