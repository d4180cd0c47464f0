"""A mesh's CA whose certificate somebody else signs: its key and its signing request are made here."""

from dataclasses import dataclass
from typing import TypedDict

import pulumi
import pulumi_tls as tls

from components.trust import expiry
from components.trust.certificate_request import CertificateRequest


@dataclass(frozen=True)
class IssuedCa:
    """The CA of one mesh, signed elsewhere; it has the attributes of an IntermediateCa."""

    trust_domain: str
    certificate_pem: pulumi.Output[str]
    chain_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    """A secret."""
    root_pem: pulumi.Output[str]
    expires: pulumi.Output[str]


class AnotherKeyError(pulumi.RunError):
    """A mesh's key was replaced, so its certificate does not belong to it any more."""


class RequestedCaArgs(TypedDict):
    """The arguments of a CA that somebody else signs."""

    trust_domain: str


class RequestedCa(pulumi.ComponentResource):
    """The key of a mesh's CA, and the request to sign it for the mesh's trust domain."""

    trust_domain: str
    request_pem: pulumi.Output[str]

    def __init__(self, name: str, args: RequestedCaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        # The type and names of an IntermediateCa: a mesh that moves to a stack of its own takes its key along.
        super().__init__("multimesh:index:IntermediateCa", name, {"trust_domain": args["trust_domain"]}, opts)
        self.trust_domain = args["trust_domain"]
        self._name = name
        own = pulumi.ResourceOptions(parent=self)
        self._key = tls.PrivateKey(f"{name}-ca", algorithm="ECDSA", ecdsa_curve="P256", opts=own)
        request = CertificateRequest(
            f"{name}-signing-request",
            {
                "private_key_pem": self._key.private_key_pem,
                "public_key_pem": self._key.public_key_pem,
                "common_name": f"multimesh {name}",
                "trust_domain": self.trust_domain,
            },
            own,
        )
        self.request_pem = request.request_pem
        self.register_outputs({"request_pem": self.request_pem})

    def issued(self, certificate: str, chain: str, root: str) -> IssuedCa:
        """Return the CA with its certificate, the CAs above it and the root (PEM).

        Its outputs raise AnotherKeyError if this `up` replaces the key.
        """
        return IssuedCa(
            self.trust_domain,
            self._key.public_key_pem.apply(lambda key: checked_key(self._name, certificate, key)),
            pulumi.Output.from_input(certificate + chain + root),
            pulumi.Output.secret(self._key.private_key_pem),
            pulumi.Output.from_input(root),
            pulumi.Output.from_input(expiry.of(certificate)),
        )


def checked_key(mesh: str, certificate: str, public_key: str) -> str:
    """Return the certificate (PEM) of a mesh's CA. Raise AnotherKeyError unless it is for this public key (PEM)."""
    from components.trust import mesh_certificate

    if not mesh_certificate.is_for(certificate, public_key):
        raise AnotherKeyError(
            f"the key of {mesh}'s CA is being replaced, and its certificate is for the key before: run `pulumi up` "
            "again, and the mesh keeps the CA that it has until the new request is signed"
        )
    return certificate
