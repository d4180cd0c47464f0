"""Certificate revocation lists (RFC 5280, 5), as plain X.509: what makes a stolen CA of a mesh worthless.

A proxy that has one list needs one of every CA in a chain: of the root and of the mesh's CA, which lists nothing. So
a key of which there is no list is refused, too.
(https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/transport_sockets/tls/v3/common.proto)

The same inputs give the same text: a run without changes changes no list. Import `cryptography` only where one is
signed: it takes time to load.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from components.trust import mesh_key

if TYPE_CHECKING:
    from cryptography import x509

_OCTETS = 20
_END = "-----END X509 CRL-----\n"
_SERIAL = re.compile(r"[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2})*")


def serial(text: str) -> int:
    """Return a serial number from hexadecimal digits, as `openssl x509 -serial` and the output ca_serial print it.

    Raise ValueError for another text, and for a number that no certificate has (RFC 5280, 4.1.2.2).
    """
    if not isinstance(text, str) or not _SERIAL.fullmatch(text):
        raise ValueError(
            "must be a CA's serial number as text: hexadecimal digits in pairs, as the output meshes.<mesh>.ca_serial "
            "has it; quote it"
        )
    number = int(text.replace(":", ""), 16)
    if not 0 < number < 1 << (8 * _OCTETS):
        raise ValueError(f"must be a serial number: more than 0, and {_OCTETS} octets at most")
    return number


def shown(number: int) -> str:
    """Return a serial number as openssl prints it."""
    text = f"{number:X}"
    return text.zfill(len(text) + len(text) % 2)


def serial_of(certificate_pem: str) -> str:
    """Return the serial number of a certificate (PEM) as openssl prints it."""
    from cryptography import x509

    return shown(x509.load_pem_x509_certificate(certificate_pem.encode()).serial_number)


def of_root(root_pem: str, key_pem: str, revoked: Iterable[int]) -> str:
    """Return the list (PEM) of a root, which revokes the CAs with these serial numbers for as long as it is valid."""
    from cryptography import x509

    root = x509.load_pem_x509_certificate(root_pem.encode())
    return _signed(root.subject, root, root, key_pem, revoked)


def of_ca(request_pem: str, key_pem: str, root_pem: str, aliases: Sequence[str]) -> str:
    """Return the lists (PEM) of a mesh's CA, known by its request; they revoke nothing, as long as its root is valid.

    They hold for every certificate of the key: one that is not issued yet, and a renewed one. One list is for each name
    that the CA had or will have: its organization is the mesh's trust domain, and changes with it to one of `aliases`.
    """
    from cryptography import x509

    request, root = x509.load_pem_x509_csr(request_pem.encode()), x509.load_pem_x509_certificate(root_pem.encode())
    return "".join(_signed(name, None, root, key_pem, ()) for name in _names(request.subject, aliases))


def of_issued(certificate_pem: str, key_pem: str, root_pem: str, aliases: Sequence[str]) -> str:
    """Return the same lists for a CA that is known by its certificate."""
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    root = x509.load_pem_x509_certificate(root_pem.encode())
    return "".join(_signed(name, certificate, root, key_pem, ()) for name in _names(certificate.subject, aliases))


def split(lists: str) -> list[str]:
    """Return the lists (PEM) in a text, in its order."""
    return [one.strip() + "\n" + _END for one in lists.split(_END) if one.strip()]


def is_of(text: str, issuers: Sequence[str]) -> bool:
    """Return whether a text is a list (PEM) that one of these CAs (PEM) signed."""
    from cryptography import x509

    try:
        listed = x509.load_pem_x509_crl(text.encode())
        cas = [x509.load_pem_x509_certificate(pem.encode()) for pem in issuers]
        keys: list[Any] = [ca.public_key() for ca in cas if ca.subject == listed.issuer]
        return any(map(listed.is_signature_valid, keys))
    except (ValueError, TypeError):
        return False


def of_meshes(lists: str, meshes: Iterable[str]) -> str:
    """Return those of the lists (PEM) whose issuer has the name of a CA of one of these meshes.

    Another list could make proxies refuse the CAs of other meshes, or of all.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    known, found = [*meshes], list[str]()
    for text in split(lists):
        try:
            listed = x509.load_pem_x509_crl(text.encode())
        except ValueError:
            continue
        names = [str(one.value) for one in listed.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if len(names) == 1 and any(mesh_key.is_common_name(names[0], mesh) for mesh in known):
            found.append(listed.public_bytes(Encoding.PEM).decode())
    return "".join(found)


def earlier(root_pem: str, revoked: Iterable[int], lists: str) -> str | None:
    """Return what `of_root` would return, from lists (PEM) of before; None if it is not among them.

    So an unchanged list needs no key.
    """
    from cryptography import x509

    root, numbers = x509.load_pem_x509_certificate(root_pem.encode()), sorted(set(revoked))
    limits = root.not_valid_before_utc, root.not_valid_after_utc
    for text in split(lists):
        if not is_of(text, [root_pem]):
            continue
        listed = x509.load_pem_x509_crl(text.encode())
        if sorted(one.serial_number for one in listed) == numbers and limits == (
            listed.last_update_utc,
            listed.next_update_utc,
        ):
            return text
    return None


def still_signing(revoked: Iterable[int], current: dict[str, str]) -> Iterator[str]:
    """Yield each mesh of `current` whose CA's serial number, as openssl prints it, is among the revoked."""
    wrong = {shown(number) for number in revoked}
    yield from (mesh for mesh, number in current.items() if number in wrong)


def _names(subject: "x509.Name", organizations: Sequence[str]) -> "list[x509.Name]":
    """Return a CA's name, and then the same with each of the organizations instead of its own, if it has one."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    def other(organization: str) -> x509.Name:
        kept = {NameOID.ORGANIZATION_NAME: organization[: mesh_key.LONGEST_NAME]}
        return x509.Name([x509.NameAttribute(one.oid, kept.get(one.oid, str(one.value))) for one in subject])

    return list(dict.fromkeys([subject, *map(other, organizations)]))


def _signed(
    issuer: "x509.Name",
    certificate: "x509.Certificate | None",
    validity: "x509.Certificate",
    key_pem: str,
    revoked: Iterable[int],
) -> str:
    """Return a list of `issuer`, valid as long as the certificate `validity`."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

    from components.trust import signing

    key = load_pem_private_key(key_pem.encode(), password=None)
    if not isinstance(key, signing.Key):
        raise signing.SigningError("the key of a revocation list must be an ECDSA or RSA key")
    start, end, numbers = validity.not_valid_before_utc, validity.not_valid_after_utc, sorted(set(revoked))
    builder = (
        x509.CertificateRevocationListBuilder(issuer, start, end)
        .add_extension(x509.CRLNumber(len(numbers) + 1), critical=False)
        .add_extension(signing.authority_key_identifier(certificate, key), critical=False)
    )
    for number in numbers:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(number).revocation_date(start).build()
        )
    deterministic = isinstance(key, ec.EllipticCurvePrivateKey) or None
    return (
        builder.sign(key, signing.hash_for(key), ecdsa_deterministic=deterministic).public_bytes(Encoding.PEM).decode()
    )
