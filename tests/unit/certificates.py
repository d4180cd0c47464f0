"""Certificates of root CAs for tests: one that never changes, and others as they are wanted."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

PEM = """\
-----BEGIN CERTIFICATE-----
MIIBCzCBs6ADAgECAgEBMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBG1vY2swIBcN
MjYwMTAxMDAwMDAwWhgPMjEyNjAxMDEwMDAwMDBaMA8xDTALBgNVBAMMBG1vY2sw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQYVkgaUmnPb0Ny5CbQQmCvVH5M8CNd
83qsUYikdfwAkDfLIMmWL/92lW/3uVv9u50vPr9Y0AWJeHzrIbU5X6mYMAoGCCqG
SM49BAMCA0cAMEQCIFCGGQqSwkaay/F4AinAz0WO1zdr6Qj9OMMJwiNvFc3NAiAm
Tj/AUZ6Tv1OdEzvSDc88KGVTscssM5fw2r3U8wJiWg==
-----END CERTIFICATE-----
"""
"""A certificate of nobody's, whose key was thrown away."""


def root(key: ec.EllipticCurvePrivateKey, days: int) -> str:
    """A root CA's certificate."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=days))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
