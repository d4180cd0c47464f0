"""A root CA that meshes trust although this stack does not sign with it: its certificate alone, checked before use."""

from components.trust import brought_root
from components.trust.brought_root import BroughtRootError


def load(certificate: str) -> str:
    """Return the root certificate in the file at this path, as PEM.

    Raise BroughtRootError unless it is one self-signed CA certificate that is valid now, under which TLS is possible.
    """
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding

    from components.trust import authority

    content = brought_root.read(certificate)
    try:
        found = x509.load_pem_x509_certificates(content)
        _ = [(one.public_key(), one.extensions) for one in found]
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise BroughtRootError(f"{certificate} is not a PEM certificate") from None
    if len(found) != 1:
        raise BroughtRootError(f"{certificate} has {len(found)} certificates; it must have the root's alone")
    [root] = found
    for fault in authority.faults(root):
        raise BroughtRootError(f"{certificate} {fault}")
    try:
        root.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        raise BroughtRootError(f"{certificate} is not a root: another CA signed it") from None
    brought_root.check_validity(root.not_valid_before_utc, root.not_valid_after_utc, certificate)
    return root.public_bytes(Encoding.PEM).decode()
