"""The root CA, and the intermediate CA that it signs for each mesh."""

import hashlib
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NotRequired, TypedDict

import pulumi
import pulumi_tls as tls

from components.trust import expiry
from components.trust.brought_root import CLOCK_SKEW, BroughtRoot
from components.trust.intermediate_certificate import IntermediateCertificate

_HOURS_A_DAY = 24
_CLOCK_SKEW_HOURS = int(CLOCK_SKEW.total_seconds()) // 3600
_CA_USES = ["cert_signing", "crl_signing", "digital_signature"]
_PATH_LENGTH = 1


def fingerprint(certificate_pem: str) -> str:
    """Return the SHA-256 of the first certificate in a text as openssl prints it: `AB:CD:...`.

    Raise ValueError if the text has no certificate.
    """
    _, begin, rest = certificate_pem.partition(ssl.PEM_HEADER)
    body, end, _ = rest.partition(ssl.PEM_FOOTER)
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(begin + body + end)).digest()
    return digest.hex(":").upper()


def key_fingerprint(certificate_pem: str) -> str:
    """Return the SHA-256 (hex) of a certificate's public key, which is the same in all certificates of one CA.

    Raise ValueError if the text is not a certificate.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_pem_x509_certificate(certificate_pem.encode()).public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def whole_seconds(time: str) -> str:
    """Return a time (RFC 3339) in whole seconds, UTC: the official TLS plugin gives nanoseconds."""
    return f"{datetime.fromisoformat(time).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


class RootCaArgs(TypedDict):
    """The arguments of a root CA."""

    validity_days: int
    """How long a root that Pulumi creates is valid."""
    intermediate_days: int
    """How long its intermediates are valid. Pulumi renews its own root before one could outlive it."""
    brought: NotRequired[BroughtRoot | None]
    """The user's own root; None to create one."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete a root that it created."""


class RootCa(pulumi.ComponentResource):
    """The root CA of the federation: created here, or brought by the user."""

    certificate_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    """A secret."""
    fingerprint: pulumi.Output[str]
    expires: pulumi.Output[str]
    """RFC 3339."""

    def __init__(self, name: str, args: RootCaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        made = {"validity_days": args["validity_days"], "intermediate_days": args["intermediate_days"]}
        super().__init__("multimesh:index:RootCa", name, made, opts)
        if brought := args.get("brought"):
            certificate, key = pulumi.Output.from_input(brought.certificate_pem), brought.private_key_pem
            self.expires = pulumi.Output.from_input(brought.expires)
            remedy, log = "set trust.root to one that is valid for longer", pulumi.log.warn
        else:
            own = pulumi.ResourceOptions(parent=self, protect=args.get("protect", False))
            # A renamed stack must keep its root: a new subject would be a new certificate.
            named = pulumi.ResourceOptions.merge(own, pulumi.ResourceOptions(ignore_changes=["subject"]))
            private = tls.PrivateKey(f"{name}-key", algorithm="ECDSA", ecdsa_curve="P256", opts=own)
            signed = tls.SelfSignedCert(
                f"{name}-certificate",
                private_key_pem=private.private_key_pem,
                subject={"common_name": "multimesh root", "organization": pulumi.get_stack()},
                is_ca_certificate=True,
                max_path_length=_PATH_LENGTH,
                allowed_uses=_CA_USES,
                set_subject_key_id=True,
                set_authority_key_id=True,
                validity_period_hours=args["validity_days"] * _HOURS_A_DAY,
                early_renewal_hours=args["intermediate_days"] * _HOURS_A_DAY + _CLOCK_SKEW_HOURS,
                opts=named,
            )
            certificate, key = signed.cert_pem, private.private_key_pem
            self.expires = signed.validity_end_time.apply(whole_seconds)
            remedy, log = "`pulumi up` renews it before an intermediate could outlive it", pulumi.log.info
        expiry.announce("the root CA", self.expires, remedy, log)
        self._intermediate_days = args["intermediate_days"]
        self.certificate_pem = certificate.apply(_ending_in_newline)
        self.private_key_pem = pulumi.Output.secret(key)
        self.fingerprint = self.certificate_pem.apply(fingerprint)
        self.register_outputs({"certificate_pem": self.certificate_pem, "fingerprint": self.fingerprint})

    def issue(self, mesh: str, trust_domains: Sequence[str]) -> "IntermediateCa":
        """Create the intermediate CA of a mesh, for its trust domain and the aliases that follow it."""
        args: IntermediateCaArgs = {
            "root": self,
            "trust_domains": trust_domains,
            "validity_days": self._intermediate_days,
        }
        return IntermediateCa(mesh, args)


class IntermediateCaArgs(TypedDict):
    """The arguments of a mesh's intermediate CA."""

    root: RootCa
    trust_domains: Sequence[str]
    """The mesh's trust domain, and then its aliases."""
    validity_days: int


class IntermediateCa(pulumi.ComponentResource):
    """The intermediate CA of one mesh: it signs identities of the mesh's trust domains, and no further CAs."""

    trust_domains: Sequence[str]
    certificate_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    """A secret."""
    root_pem: pulumi.Output[str]
    expires: pulumi.Output[str]
    """RFC 3339."""

    def __init__(self, name: str, args: IntermediateCaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        trust_domain, *aliases = self.trust_domains = args["trust_domains"]
        described = {"trust_domain": trust_domain, "validity_days": args["validity_days"]}
        super().__init__("multimesh:index:IntermediateCa", name, described, opts)
        own = pulumi.ResourceOptions(parent=self)
        root, hours = args["root"], args["validity_days"] * _HOURS_A_DAY
        # A key named `-key` may have a certificate of an earlier version, which had no name constraints: never use it.
        private = tls.PrivateKey(f"{name}-ca", algorithm="ECDSA", ecdsa_curve="P256", opts=own)
        request = tls.CertRequest(
            f"{name}-request",
            private_key_pem=private.private_key_pem,
            subject={"common_name": f"multimesh {name}", "organization": trust_domain},
            opts=own,
        )
        signed = IntermediateCertificate(
            f"{name}-certificate",
            {
                "request_pem": request.cert_request_pem,
                "root_pem": root.certificate_pem,
                "root_key_pem": root.private_key_pem,
                "trust_domain": trust_domain,
                "trust_domain_aliases": aliases,
                "validity_hours": hours,
                "early_renewal_hours": hours // 3,
            },
            own,
        )
        self.certificate_pem = signed.certificate_pem.apply(_ending_in_newline)
        self.private_key_pem = pulumi.Output.secret(private.private_key_pem)
        self.root_pem = root.certificate_pem
        self.expires = signed.validity_end_time.apply(whole_seconds)
        self.register_outputs({"certificate_pem": self.certificate_pem, "expires": self.expires})


def _ending_in_newline(pem: str) -> str:
    return pem.strip() + "\n"
