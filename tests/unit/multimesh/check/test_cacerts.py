"""What `check` takes from the Secret cacerts."""

from multimesh.check.cluster import public_parts

FILES = ("ca-cert.pem", "cert-chain.pem", "root-cert.pem", "ca-crl.pem")


def test_certificates_and_revocation_lists_are_taken_and_no_key() -> None:
    assert public_parts(dict.fromkeys([*FILES, "ca-key.pem", "tls.key"], "x")) == dict.fromkeys(FILES, "x")


def test_what_cert_manager_writes_has_the_same_names() -> None:
    written = {"tls.crt": "ca", "tls.key": "key", "ca.crt": "root"}
    assert public_parts(written) == {"ca-cert.pem": "ca", "cert-chain.pem": "ca", "root-cert.pem": "root"}
