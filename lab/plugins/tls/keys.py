"""Private keys: how they are made and written."""

import hashlib
from base64 import b64decode, b64encode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from lab.plugins.server import PluginError
from lab.plugins.values import Properties, Secret

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

ALGORITHMS = ("RSA", "ECDSA", "ED25519")
CURVES: dict[str, type[ec.EllipticCurve]] = {
    "P224": ec.SECP224R1,
    "P256": ec.SECP256R1,
    "P384": ec.SECP384R1,
    "P521": ec.SECP521R1,
}

_LABELS = ("EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY", "RSA PRIVATE KEY")
_PLAIN = serialization.NoEncryption()
_PEM = serialization.Encoding.PEM
_Private = serialization.PrivateFormat


def generate(algorithm: str, curve: str, bits: int) -> PrivateKey:
    """Make a private key; `curve` matters to ECDSA only, `bits` to RSA only."""
    match algorithm:
        case "RSA":
            return rsa.generate_private_key(public_exponent=65537, key_size=bits)
        case "ECDSA":
            return ec.generate_private_key(CURVES[curve]())
        case _:
            return ed25519.Ed25519PrivateKey.generate()


def outputs(key: PrivateKey) -> Properties:
    """Return the key in every format that the PrivateKey resource has; OpenSSH knows no P224, so there it is empty."""
    public = key.public_key()
    pkcs8 = key.private_bytes(_PEM, _Private.PKCS8, _PLAIN).decode()
    is_ed25519 = isinstance(key, ed25519.Ed25519PrivateKey)  # which has no format of its own
    try:
        private_openssh = key.private_bytes(_PEM, _Private.OpenSSH, _PLAIN).decode()
        public_openssh = public.public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        ).decode()
    except (UnsupportedAlgorithm, ValueError):
        private_openssh = public_openssh = ""
    blob = b64decode(public_openssh.split()[1]) if public_openssh else b""
    return {
        "privateKeyPem": Secret(
            pkcs8 if is_ed25519 else key.private_bytes(_PEM, _Private.TraditionalOpenSSL, _PLAIN).decode()
        ),
        "privateKeyPemPkcs8": Secret(pkcs8),
        "privateKeyOpenssh": Secret(private_openssh),
        "publicKeyPem": public.public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode(),
        "publicKeyOpenssh": public_openssh + "\n" if blob else "",
        "publicKeyFingerprintMd5": _md5(blob),
        "publicKeyFingerprintSha256": _sha256(blob),
    }


def _md5(blob: bytes) -> str:
    return hashlib.md5(blob, usedforsecurity=False).digest().hex(":") if blob else ""


def _sha256(blob: bytes) -> str:
    return "SHA256:" + b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=") if blob else ""


def load(pem: str, name: str) -> PrivateKey:
    """Read a private key in PEM; `name` is the input's, for the error.

    Raises PluginError when it is not a private key of a known algorithm.
    """
    label = pem.partition("-----BEGIN ")[2].partition("-----")[0]
    if label and label not in _LABELS:  # though the key may follow
        raise PluginError(f"failed to parse {name}: unsupported PEM preamble/type: {label}")
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PluginError(f"failed to parse {name}: {error}") from error
    if not isinstance(key, PrivateKey):
        raise PluginError(f"failed to parse {name}: {type(key).__name__} is none of {', '.join(ALGORITHMS)}")
    return key


def algorithm(key: PrivateKey) -> str:
    """Return the name of the key's algorithm, as in ALGORITHMS."""
    match key:
        case rsa.RSAPrivateKey():
            return "RSA"
        case ec.EllipticCurvePrivateKey():
            return "ECDSA"
        case _:
            return "ED25519"


def signature_hash(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    """Return the hash that signatures of this key use: as strong as the curve, SHA-256 else, none for ED25519."""
    match key:
        case ed25519.Ed25519PrivateKey():
            return None
        case ec.EllipticCurvePrivateKey() if key.curve.key_size > 384:
            return hashes.SHA512()
        case ec.EllipticCurvePrivateKey() if key.curve.key_size > 256:
            return hashes.SHA384()
        case _:
            return hashes.SHA256()
