"""The root CA, and the intermediate CA that it signs for each mesh."""

import hashlib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NotRequired, TypedDict

import pulumi
import pulumi_tls as tls

from components.trust import expiry, mesh_key
from components.trust.brought_root import BroughtRoot
from components.trust.clocks import CLOCK_SKEW
from components.trust.intermediate_certificate import IntermediateCertificate, SigningKey
from components.trust.mesh_key import MeshKey

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


@dataclass(frozen=True)
class Signer:
    """A CA that signs: its certificate, and its key as an argument of an IntermediateCertificate."""

    certificate_pem: pulumi.Output[str]
    key: SigningKey


@dataclass(frozen=True)
class AlsoTrusted:
    """A root that the meshes trust although another one signs; without a signer if somebody else has its key."""

    certificate_pem: pulumi.Output[str]
    signer: Signer | None = None


class RootCaArgs(TypedDict):
    """The arguments of a root CA."""

    validity_days: int
    """How long a root that Pulumi creates is valid."""
    intermediate_days: int
    """How long its intermediates are valid. Pulumi renews its own root before one could outlive it."""
    brought: NotRequired[BroughtRoot | None]
    """The user's own root; None to create one."""
    also: NotRequired[Mapping[str, AlsoTrusted]]
    """Other roots that the meshes trust while one replaces the other, by name."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete a root that it created."""
    ca_generations: NotRequired[Mapping[str, int]]
    """The number of the key of each mesh's CA; 1 if it is not there."""
    next_keys: NotRequired[bool]
    """Whether to make the key of the next generation of each mesh's CA, too."""


class RootCa(pulumi.ComponentResource):
    """The root CA of the federation: created here, or brought by the user."""

    certificate_pem: pulumi.Output[str]
    signer: Signer
    """What signs: the root itself, or the user's issuing CA below it."""
    between_pem: pulumi.Output[str]
    """The CAs that sign, up to the root and without it, the lowest first; empty if the root itself signs."""
    private_key_pem: pulumi.Output[str] | None = None
    """A secret; None for a root that the user brought."""
    requests: Mapping[str, pulumi.Output[str]] = MappingProxyType({})
    """None: it signs by itself."""
    trusted_pem: pulumi.Output[str]
    """Every root that the meshes trust (PEM), this one first."""
    also: Mapping[str, AlsoTrusted]
    fingerprint: pulumi.Output[str]
    expires: pulumi.Output[str]
    """RFC 3339."""

    def __init__(self, name: str, args: RootCaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Create a root; another name is another root."""
        made = {"validity_days": args["validity_days"], "intermediate_days": args["intermediate_days"]}
        super().__init__("multimesh:index:RootCa", name, made, opts)
        if brought := args.get("brought"):
            certificate = pulumi.Output.from_input(brought.root_pem)
            self.between_pem = pulumi.Output.from_input(brought.between_pem)
            self.signer = Signer(pulumi.Output.from_input(brought.signer_pem), {"root_key_file": brought.key or ""})
            self.expires = pulumi.Output.from_input(brought.expires)
            remedy, log = "set trust.root to one that is valid for longer", pulumi.log.warn
            if end := brought.issuing_expires:
                expiry.announce("a CA between the root and the meshes", pulumi.Output.from_input(end), remedy, log)
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
            certificate = signed.cert_pem
            self.between_pem = pulumi.Output.from_input("")
            self.private_key_pem = pulumi.Output.secret(private.private_key_pem)
            key: SigningKey = {"root_key_pem": self.private_key_pem}
            self.signer = Signer(certificate.apply(_ending_in_newline), key)
            self.expires = signed.validity_end_time.apply(whole_seconds)
            remedy, log = "`pulumi up` renews it before an intermediate could outlive it", pulumi.log.info
        expiry.announce("the root CA", self.expires, remedy, log)
        self._intermediate_days = args["intermediate_days"]
        self._generations, self._next_keys = args.get("ca_generations", {}), args.get("next_keys", False)
        self.certificate_pem = certificate.apply(_ending_in_newline)
        self.also = dict(args.get("also", {}))
        others = (root.certificate_pem for root in self.also.values())
        self.trusted_pem = pulumi.Output.concat(self.certificate_pem, *others)
        self.fingerprint = self.certificate_pem.apply(fingerprint)
        self.register_outputs({"certificate_pem": self.certificate_pem, "fingerprint": self.fingerprint})

    def issue(self, mesh: str, trust_domains: Sequence[str], revisions: Sequence[str] = ()) -> "IntermediateCa":
        """Create the intermediate CA of a mesh, for its trust domain and the aliases that follow it.

        It also signs for its control planes of these revisions.
        """
        args: IntermediateCaArgs = {
            "root": self,
            "trust_domains": trust_domains,
            "revisions": revisions,
            "validity_days": self._intermediate_days,
        }
        return IntermediateCa(mesh, args, self._generations.get(mesh, 1), next_key=self._next_keys)

    def sign(self, mesh: str, trust_domains: Sequence[str], request_pem: str) -> "SignedRequest":
        """Sign the request for the intermediate CA of another stack's mesh."""
        args: IntermediateCaArgs = {
            "root": self,
            "trust_domains": trust_domains,
            "validity_days": self._intermediate_days,
        }
        return SignedRequest(mesh, args, request_pem)


class IntermediateCaArgs(TypedDict):
    """The arguments of a mesh's intermediate CA."""

    root: RootCa
    trust_domains: Sequence[str]
    """The mesh's trust domain, and then its aliases."""
    revisions: NotRequired[Sequence[str]]
    """The revisions of its control planes, without the default one."""
    validity_days: int


class IntermediateCa(pulumi.ComponentResource):
    """The intermediate CA of one mesh: it signs identities of the mesh's trust domains, and no further CAs."""

    trust_domains: Sequence[str]
    certificate_pem: pulumi.Output[str]
    chain_pem: pulumi.Output[str]
    """From its certificate to the root."""
    private_key_pem: pulumi.Output[str]
    """A secret."""
    root_pem: pulumi.Output[str]
    """The root under which it is signed."""
    trusted_pem: pulumi.Output[str]
    """Every root that the mesh trusts, the one under which it is signed first."""
    generation: int
    keys: Sequence[MeshKey]
    """The key of this generation; of the next one, too, if that exists."""
    expires: pulumi.Output[str]
    """RFC 3339."""

    def __init__(
        self,
        name: str,
        args: IntermediateCaArgs,
        generation: int,
        opts: pulumi.ResourceOptions | None = None,
        *,
        next_key: bool = False,
    ) -> None:
        """Create the CA with the key of a generation, and if it is wanted, the next one's `next_key`."""
        described = {"trust_domain": args["trust_domains"][0], "validity_days": args["validity_days"]}
        super().__init__("multimesh:index:IntermediateCa", name, described, opts)
        self.trust_domains, self.generation = args["trust_domains"], generation
        own = pulumi.ResourceOptions(parent=self)
        root = args["root"]
        present = _key(name, generation, self.trust_domains, own)
        following = [_key(name, generation + 1, self.trust_domains, own, "-next")] if next_key else []
        self.keys = [present, *following]
        signed = _signed(name, args, present.request_pem, own)
        self.certificate_pem = signed.certificate_pem.apply(_ending_in_newline)
        self.private_key_pem = pulumi.Output.secret(present.private_key_pem)
        self.chain_pem = pulumi.Output.concat(self.certificate_pem, root.between_pem, root.certificate_pem)
        self.root_pem, self.trusted_pem = root.certificate_pem, root.trusted_pem
        self.expires = signed.validity_end_time.apply(whole_seconds)
        self.register_outputs({"certificate_pem": self.certificate_pem, "expires": self.expires})


class SignedRequest(pulumi.ComponentResource):
    """The certificate of the intermediate CA of another stack's mesh, which keeps the key."""

    certificate_pem: pulumi.Output[str]
    between_pem: pulumi.Output[str]
    """The CAs between it and the root, its issuer first; empty if the root signed it."""
    expires: pulumi.Output[str]
    """RFC 3339."""

    def __init__(
        self, name: str, args: IntermediateCaArgs, request_pem: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        described = {"trust_domain": args["trust_domains"][0], "validity_days": args["validity_days"]}
        super().__init__("multimesh:index:IntermediateCa", name, described, opts)
        signed = _signed(name, args, request_pem, pulumi.ResourceOptions(parent=self))
        self.between_pem = args["root"].between_pem
        self.certificate_pem = signed.certificate_pem.apply(_ending_in_newline)
        self.expires = signed.validity_end_time.apply(whole_seconds)
        self.register_outputs({"certificate_pem": self.certificate_pem, "expires": self.expires})


def _signed(
    name: str, args: IntermediateCaArgs, request_pem: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> IntermediateCertificate:
    root, hours = args["root"], args["validity_days"] * _HOURS_A_DAY
    return IntermediateCertificate(
        f"{name}-certificate",
        {
            "request_pem": request_pem,
            "root_pem": root.signer.certificate_pem,
            **root.signer.key,
            "trust_domain": args["trust_domains"][0],
            "trust_domain_aliases": args["trust_domains"][1:],
            "revisions": args.get("revisions", ()),
            "validity_hours": hours,
            "early_renewal_hours": hours // 3,
        },
        opts,
    )


def _key(
    mesh: str, generation: int, trust_domains: Sequence[str], opts: pulumi.ResourceOptions, suffix: str = ""
) -> MeshKey:
    """Create one generation of a mesh's key, and its request."""
    private = tls.PrivateKey(mesh_key.name(mesh, generation), algorithm="ECDSA", ecdsa_curve="P256", opts=opts)
    request = tls.CertRequest(
        f"{mesh}-request{suffix}",
        private_key_pem=private.private_key_pem,
        subject={
            "common_name": mesh_key.common_name(mesh, generation),
            "organization": trust_domains[0][: mesh_key.LONGEST_NAME],
        },
        opts=opts,
    )
    return MeshKey(request.cert_request_pem, private.private_key_pem, trust_domains[1:])


def _ending_in_newline(pem: str) -> str:
    return pem.strip() + "\n"
