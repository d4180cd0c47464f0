"""A root CA whose key is not in this stack: another stack signs the CAs of its meshes, or somebody else does.

The stack makes each mesh's key and a signing request. A mesh waits until the certificate for its request is there; one
that already runs keeps the CA that it has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pulumi

from components.trust import expiry, held_ca
from components.trust.ca import fingerprint
from components.trust.held_ca import HeldCa, State
from components.trust.requested_ca import IssuedCa, RequestedCa


@dataclass(frozen=True)
class SignedCa:
    """A mesh's CA certificate, the CAs between it and the root ("" if there is none), and the root: PEM."""

    certificate: str
    chain: str
    root: str

    def faults(self, trust_domain: str) -> list[str]:
        """Return the end of a sentence for each reason why a mesh of this trust domain should not use it."""
        from components.trust import chain, mesh_certificate

        try:
            way = chain.path(chain.certificates(self.certificate + self.chain + self.root))
        except chain.ChainError as error:
            return [str(error)]
        if way[-1] != chain.certificates(self.root)[0]:
            return [f"ends at another root, '{chain.name(way[-1])}'"]
        return list(mesh_certificate.faults(way, trust_domain, datetime.now(UTC)))


@dataclass(frozen=True)
class ThisStack:
    """What a stack knows of itself: trust domains as configured (None: not), its last outputs, and its state."""

    trust_domains: Mapping[str, str | None]
    outputs: Mapping[str, Any]
    state: State

    def held(self) -> dict[str, HeldCa]:
        """Return the CAs that its meshes run with."""
        return {mesh: ca for mesh in self.trust_domains if (ca := held_ca.of(mesh, self.state))}

    def has_key_of(self, mesh: str, certificate_pem: str) -> bool:
        """Return whether a certificate is for the present key of a mesh's CA."""
        from components.trust import chain, mesh_certificate

        key = held_ca.public_key(mesh, self.state)
        try:
            return key is not None and mesh_certificate.is_for(certificate_pem, key)
        except chain.ChainError:
            return False


@dataclass(frozen=True)
class Trusted:
    """The root's certificate (PEM; None if it is not known yet), and for each mesh of the stack what is there.

    `signed` are the certificates for the meshes' present keys. `held` are the CAs of other meshes, which run and keep
    them until their requests are signed.
    """

    root: str | None
    trust_domains: Mapping[str, str]
    signed: Mapping[str, SignedCa]
    held: Mapping[str, HeldCa]
    remedy: str
    """What to do about a certificate that expires."""

    @property
    def waiting(self) -> frozenset[str]:
        """The meshes that cannot be created yet."""
        return frozenset(self.trust_domains.keys() - self.signed.keys() - self.held.keys())


@dataclass(frozen=True)
class Found:
    """What is there of CAs that others sign, a line for each mesh that waits, and a line for each mistake."""

    trusted: Trusted
    notes: Sequence[str]
    wrong: Sequence[str]


class AbsentRoot:
    """The root, and the CAs of all meshes of the stack; it takes the place of a RootCa."""

    requests: Mapping[str, pulumi.Output[str]]
    """The signing requests of the meshes' CAs (PEM), which are public."""

    def __init__(self, trusted: Trusted) -> None:
        self._trusted = trusted
        self._requested = {mesh: RequestedCa(mesh, {"trust_domain": of}) for mesh, of in trusted.trust_domains.items()}
        self.requests = {mesh: ca.request_pem for mesh, ca in self._requested.items()}
        self.certificate_pem = self.fingerprint = self.expires = None
        if trusted.root:
            self.certificate_pem = pulumi.Output.from_input(trusted.root)
            self.fingerprint = pulumi.Output.from_input(fingerprint(trusted.root))
            self.expires = pulumi.Output.from_input(expiry.of(trusted.root))
            expiry.announce("the root CA", self.expires, trusted.remedy, pulumi.log.warn)

    def issue(self, mesh: str, trust_domain: str) -> IssuedCa:
        """Return the CA of a mesh that does not wait."""
        signed, held = self._trusted.signed.get(mesh), self._trusted.held.get(mesh)
        if signed:
            issued = self._requested[mesh].issued(signed.certificate, signed.chain, signed.root)
        elif held:
            issued = IssuedCa(
                trust_domain,
                pulumi.Output.from_input(held.certificate),
                pulumi.Output.from_input(held.chain),
                pulumi.Output.secret(held.private_key),
                pulumi.Output.from_input(held.root),
                pulumi.Output.from_input(expiry.of(held.certificate)),
            )
        else:
            raise KeyError(mesh)
        expiry.announce(f"the CA of trust domain {trust_domain}", issued.expires, self._trusted.remedy, pulumi.log.warn)
        return issued
