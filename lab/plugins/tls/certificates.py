"""Certificates and certificate requests: from the resources' inputs to X.509 and back to their outputs."""

import ipaddress
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from lab.plugins.server import PluginError
from lab.plugins.tls import keys
from lab.plugins.values import Properties

KEY_USAGES = {
    "digital_signature": "digital_signature",
    "content_commitment": "content_commitment",
    "key_encipherment": "key_encipherment",
    "data_encipherment": "data_encipherment",
    "key_agreement": "key_agreement",
    "cert_signing": "key_cert_sign",
    "crl_signing": "crl_sign",
    "encipher_only": "encipher_only",
    "decipher_only": "decipher_only",
}
EXTENDED_KEY_USAGES = {
    "any_extended": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server_auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client_auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code_signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email_protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "ipsec_end_system": ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsec_tunnel": ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsec_user": ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp_signing": ExtendedKeyUsageOID.OCSP_SIGNING,
    "microsoft_server_gated_crypto": ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    "netscape_server_gated_crypto": ObjectIdentifier("2.16.840.1.113730.4.1"),
    "microsoft_commercial_code_signing": ObjectIdentifier("1.3.6.1.4.1.311.2.1.22"),
    "microsoft_kernel_code_signing": ObjectIdentifier("1.3.6.1.4.1.311.61.1.1"),
}
_SUBJECT = {
    "country": NameOID.COUNTRY_NAME,
    "organization": NameOID.ORGANIZATION_NAME,
    "organizationalUnit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "locality": NameOID.LOCALITY_NAME,
    "province": NameOID.STATE_OR_PROVINCE_NAME,
    "streetAddresses": NameOID.STREET_ADDRESS,
    "postalCode": NameOID.POSTAL_CODE,
    "commonName": NameOID.COMMON_NAME,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}


@dataclass(frozen=True)
class Request:
    """What a certificate is asked for: a subject, its other names, its public key."""

    subject: x509.Name
    names: x509.SubjectAlternativeName | None
    public_key: CertificatePublicKeyTypes


@dataclass(frozen=True)
class Issuer:
    """Who signs: a name, a key, and the identifier of that key if the issuer's certificate states one."""

    name: x509.Name
    key: keys.PrivateKey
    key_identifier: bytes | None


def request(inputs: Properties, key: keys.PrivateKey) -> Request:
    """Read subject, dnsNames, ipAddresses and uris of the inputs. Raises PluginError for what is not such a name."""
    subject = inputs.get("subject", {})
    attributes: list[x509.NameAttribute[str]] = []
    for field, oid in _SUBJECT.items():
        value = subject.get(field, [])
        attributes += [x509.NameAttribute(oid, item) for item in (value if isinstance(value, list) else [value])]
    try:
        names: list[x509.GeneralName] = [
            *(x509.DNSName(name) for name in inputs.get("dnsNames", [])),
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in inputs.get("ipAddresses", [])),
            *(x509.UniformResourceIdentifier(uri) for uri in inputs.get("uris", [])),
        ]
    except ValueError as error:
        raise PluginError(f"invalid subject alternative name: {error}") from error
    return Request(x509.Name(attributes), x509.SubjectAlternativeName(names) if names else None, key.public_key())


def sign_request(wanted: Request, key: keys.PrivateKey) -> str:
    """Return the certificate request in PEM, signed by its own key."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(wanted.subject)
    if wanted.names:
        builder = builder.add_extension(wanted.names, critical=not wanted.subject.rdns)
    signed = builder.sign(key, keys.signature_hash(key))
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def load_request(pem: str) -> Request:
    """Read a certificate request in PEM. Raises PluginError when it is not one."""
    try:
        parsed = x509.load_pem_x509_csr(pem.encode())
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = None
    except ValueError as error:
        raise PluginError(f"failed to parse certificate request PEM: {error}") from error
    return Request(parsed.subject, names, parsed.public_key())  # type: ignore[arg-type] a CSR's keys are these


def load_issuer(certificate_pem: str, key_pem: str) -> Issuer:
    """Read a CA's certificate and key. Raises PluginError when one of them is malformed or they do not match."""
    key = keys.load(key_pem, "CA private key PEM")
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    except ValueError as error:
        raise PluginError(f"failed to parse CA certificate PEM: {error}") from error
    if certificate.public_key() != key.public_key():
        raise PluginError("failed to create certificate: the CA private key does not match the CA certificate")
    try:
        identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        identifier = None
    return Issuer(certificate.subject, key, identifier)


def issue(inputs: Properties, wanted: Request, issuer: Issuer, now: datetime) -> tuple[str, Properties]:
    """Sign a certificate for `wanted`; inputs as SelfSignedCert and LocallySignedCert have them.

    Returns the serial number in decimal (the resource's id) and the outputs that are the same for both resources.
    """
    is_ca = inputs.get("isCaCertificate", False)
    if is_ca and not wanted.subject.rdns:
        raise PluginError("the subject must contain at least one distinguished name for a certificate authority")
    start = now.astimezone(UTC).replace(microsecond=0)
    end = start + timedelta(hours=inputs["validityPeriodHours"])
    serial = secrets.randbits(127) + 1
    path_length = inputs.get("maxPathLength", -1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(wanted.subject)
        .issuer_name(issuer.name)
        .public_key(wanted.public_key)
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(is_ca, path_length if is_ca and path_length >= 0 else None), critical=True)
    )
    uses = inputs["allowedUses"]
    if usages := {KEY_USAGES[use] for use in uses if use in KEY_USAGES}:
        flags = {flag: flag in usages for flag in KEY_USAGES.values()}
        builder = builder.add_extension(x509.KeyUsage(**flags), critical=True)
    if extended := [EXTENDED_KEY_USAGES[use] for use in uses if use in EXTENDED_KEY_USAGES]:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    subject_key_identifier = x509.SubjectKeyIdentifier.from_public_key(wanted.public_key)
    if is_ca or inputs.get("setSubjectKeyId"):
        builder = builder.add_extension(subject_key_identifier, critical=False)
    authority = issuer.key_identifier
    if inputs.get("setAuthorityKeyId"):  # of a self-signed certificate: its own
        authority = subject_key_identifier.digest
    if authority:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier(authority, None, None), critical=False)
    if wanted.names:
        builder = builder.add_extension(wanted.names, critical=not wanted.subject.rdns)
    signed = builder.sign(issuer.key, keys.signature_hash(issuer.key))
    return str(serial), {
        "certPem": signed.public_bytes(serialization.Encoding.PEM).decode(),
        "validityStartTime": _with_fraction(now),
        "validityEndTime": _with_fraction(now + (end - start)),
    }


def _with_fraction(time: datetime) -> str:
    """Return a time as the official plugin states it: with the fraction that the certificate's own lacks."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def ready_for_renewal(outputs: Properties, early_hours: float, now: datetime) -> bool:
    """Return whether a certificate with these outputs is expired, or will be within so many hours."""
    return datetime.fromisoformat(outputs["validityEndTime"]) - timedelta(hours=early_hours) <= now
