"""A mesh's CA whose certificate somebody else signs: its key and its signing request are made here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import pulumi
import pulumi_tls as tls

from components.trust import expiry, mesh_key
from components.trust.certificate_request import CertificateRequest
from components.trust.mesh_key import MeshKey


@dataclass(frozen=True, eq=False)
class IssuedCa:
    """The CA of one mesh, signed elsewhere; it has the attributes of an IntermediateCa."""

    trust_domains: Sequence[str]
    certificate_pem: pulumi.Output[str]
    chain_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    """A secret."""
    root_pem: pulumi.Output[str]
    trusted_pem: pulumi.Output[str]
    generation: int
    expires: pulumi.Output[str]


class AnotherKeyError(pulumi.RunError):
    """A mesh's key was replaced, so its certificate does not belong to it any more."""


class RequestedCaArgs(TypedDict):
    """The arguments of a CA that somebody else signs."""

    trust_domains: Sequence[str]
    """The mesh's trust domain, and then its aliases."""
    generation: int
    """Another number makes another key."""
    next_key: bool
    """Whether to make the key of the next generation, too."""


class RequestedCa(pulumi.ComponentResource):
    """The key of a mesh's CA, and the request to sign it for the mesh's trust domains."""

    trust_domains: Sequence[str]
    generation: int
    request_pem: pulumi.Output[str]
    key: MeshKey
    """The key of this generation."""
    next_keys: Sequence[MeshKey]
    """The key of the next one, if it is made beforehand."""

    def __init__(self, name: str, args: RequestedCaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        # The type and names of an IntermediateCa: a mesh that moves to a stack of its own takes its key along.
        super().__init__("multimesh:index:IntermediateCa", name, {"trust_domain": args["trust_domains"][0]}, opts)
        self.trust_domains, self.generation = args["trust_domains"], args["generation"]
        self._name = name
        own = pulumi.ResourceOptions(parent=self)
        self._private, self.key = self._made(self.generation, "", own)
        self.next_keys = [self._made(self.generation + 1, "-next", own)[1]] if args["next_key"] else []
        self.request_pem = self.key.request_pem
        self.register_outputs({"request_pem": self.request_pem})

    def _made(self, generation: int, suffix: str, opts: pulumi.ResourceOptions) -> tuple[tls.PrivateKey, MeshKey]:
        """Create one generation of the key, and its request."""
        private = tls.PrivateKey(
            mesh_key.name(self._name, generation), algorithm="ECDSA", ecdsa_curve="P256", opts=opts
        )
        request = CertificateRequest(
            f"{self._name}-signing-request{suffix}",
            {
                "private_key_pem": private.private_key_pem,
                "public_key_pem": private.public_key_pem,
                "common_name": mesh_key.common_name(self._name, generation),
                "trust_domain": self.trust_domains[0],
                "trust_domain_aliases": self.trust_domains[1:],
            },
            opts,
        )
        return private, MeshKey(request.request_pem, private.private_key_pem, self.trust_domains[1:])

    def issued(self, certificate: str, chain: str, root: str, trusted: pulumi.Output[str]) -> IssuedCa:
        """Return the CA with its certificate, the CAs above it, the root and every root that is trusted (PEM).

        Its outputs raise AnotherKeyError if this `up` replaces the key.
        """
        return IssuedCa(
            self.trust_domains,
            self._private.public_key_pem.apply(lambda key: checked_key(self._name, certificate, key)),
            pulumi.Output.from_input(certificate + chain + root),
            pulumi.Output.secret(self._private.private_key_pem),
            pulumi.Output.from_input(root),
            trusted,
            self.generation,
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
