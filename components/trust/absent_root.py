"""A root CA whose key is not in this stack: another stack signs the CAs of its meshes, or somebody else does.

The stack makes each mesh's key and a signing request. A mesh waits until the certificate for its request is there; one
that already runs keeps the CA that it has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pulumi

from components.trust import expiry, held_ca
from components.trust.ca import AlsoTrusted, fingerprint, key_fingerprint
from components.trust.held_ca import HeldCa, State
from components.trust.mesh_key import MeshKey
from components.trust.requested_ca import IssuedCa, RequestedCa


@dataclass(frozen=True)
class SignedCa:
    """A mesh's CA certificate, the CAs between it and the root ("" if there is none), and the root: PEM."""

    certificate: str
    chain: str
    root: str

    def faults(self, trust_domains: Sequence[str]) -> list[str]:
        """Return the end of a sentence for each reason why a mesh of these trust domains should not use it."""
        from components.trust import chain, mesh_certificate

        try:
            way = chain.path(chain.certificates(self.certificate + self.chain + self.root))
        except chain.ChainError as error:
            return [str(error)]
        if way[-1] != chain.certificates(self.root)[0]:
            return [f"ends at another root, '{chain.name(way[-1])}'"]
        return list(mesh_certificate.faults(way, trust_domains, datetime.now(UTC)))


class Configured(NamedTuple):
    """The trust domain of a mesh as it is configured, and its aliases; None and empty if they are not."""

    trust_domain: str | None
    aliases: Sequence[str]


@dataclass(frozen=True)
class ThisStack:
    """What a stack knows of itself: trust domains as configured, its last outputs, and its state.

    `ca_generations` are the numbers of the keys of its meshes' CAs; 1 for a mesh that is not there.
    """

    trust_domains: Mapping[str, Configured]
    ca_generations: Mapping[str, int]
    outputs: Mapping[str, Any]
    state: State

    def held(self) -> dict[str, HeldCa]:
        """Return the CAs that its meshes run with."""
        return {mesh: ca for mesh in self.trust_domains if (ca := held_ca.of(mesh, self.state))}

    def has_key_of(self, mesh: str, certificate_pem: str) -> bool:
        """Return whether a certificate is for the present key of a mesh's CA."""
        from components.trust import chain, mesh_certificate

        key = held_ca.public_key(mesh, self.ca_generations.get(mesh, 1), self.state)
        try:
            return key is not None and mesh_certificate.is_for(certificate_pem, key)
        except chain.ChainError:
            return False


@dataclass(frozen=True)
class Trusted:
    """The root's certificate (PEM; None if it is not known yet), and for each mesh of the stack what is there.

    `trust_domains` are each mesh's own, and then its aliases.
    `roots` are the names of all roots that the owner's meshes trust, and their certificates (PEM), the root among them.
    `lists_of_roots` are the revocation lists (PEM) of these roots, which the owner signs; "" while nothing is revoked.
    `signed` are the certificates for the meshes' present keys. `held` are the CAs of other meshes, which run and keep
    them until their requests are signed.
    """

    root: str | None
    trust_domains: Mapping[str, Sequence[str]]
    signed: Mapping[str, SignedCa]
    held: Mapping[str, HeldCa]
    remedy: str
    """What to do about a certificate that expires."""
    roots: Mapping[str, str]
    lists_of_roots: str = ""

    @property
    def also(self) -> Mapping[str, str]:
        """The roots (PEM) that the meshes trust beside the one that signs, by name."""
        return {name: pem for name, pem in self.roots.items() if pem != self.root}

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
    also: Mapping[str, AlsoTrusted]
    """The roots that the meshes trust beside this one, by name."""
    keys_to_come: Sequence[MeshKey]
    """The keys that sign nothing yet: their revocation lists are out before they do."""

    def __init__(
        self,
        trusted: Trusted,
        also: Mapping[str, AlsoTrusted],
        ca_generations: Mapping[str, int],
        *,
        next_keys: bool,
    ) -> None:
        self._trusted, self.also, self.lists_of_roots = trusted, also, trusted.lists_of_roots
        self._requested = {
            mesh: RequestedCa(
                mesh, {"trust_domains": domains, "generation": ca_generations.get(mesh, 1), "next_key": next_keys}
            )
            for mesh, domains in trusted.trust_domains.items()
        }
        self.requests = {mesh: ca.request_pem for mesh, ca in self._requested.items()}
        unsigned = [ca.key for mesh, ca in self._requested.items() if mesh not in trusted.signed]
        self.keys_to_come = [*unsigned, *(key for ca in self._requested.values() for key in ca.next_keys)]
        self.certificate_pem = self.fingerprint = self.expires = None
        if trusted.root:
            self.certificate_pem = pulumi.Output.from_input(trusted.root)
            self.fingerprint = pulumi.Output.from_input(fingerprint(trusted.root))
            self.expires = pulumi.Output.from_input(expiry.of(trusted.root))
            expiry.announce("the root CA", self.expires, trusted.remedy, pulumi.log.warn)

    @property
    def names(self) -> Sequence[str]:
        """The name of the root in the stack's outputs; none if an earlier version made the owner's."""
        return [name for name, pem in self._trusted.roots.items() if pem == self._trusted.root]

    def issue(self, mesh: str, trust_domains: Sequence[str], _revisions: Sequence[str] = ()) -> IssuedCa:
        """Return the CA of a mesh that does not wait; who signs it knows of no revisions."""
        signed, held = self._trusted.signed.get(mesh), self._trusted.held.get(mesh)
        if signed:
            issued = self._requested[mesh].issued(
                signed.certificate, signed.chain, signed.root, self._bundle(signed.root)
            )
        elif held:
            issued = IssuedCa(
                trust_domains,
                pulumi.Output.from_input(held.certificate),
                pulumi.Output.from_input(held.chain),
                pulumi.Output.secret(held.private_key),
                pulumi.Output.from_input(held.root),
                self._bundle(held.root),
                held.generation,
                pulumi.Output.from_input(expiry.of(held.certificate)),
            )
        else:
            raise KeyError(mesh)
        expiry.announce(
            f"the CA of trust domain {trust_domains[0]}", issued.expires, self._trusted.remedy, pulumi.log.warn
        )
        return issued

    def _bundle(self, first: str) -> pulumi.Output[str]:
        """Return every root that is trusted (PEM): the one under which a mesh's CA is signed, then the others."""
        others = pulumi.Output.all(self.certificate_pem or first, *(one.certificate_pem for one in self.also.values()))
        return others.apply(lambda roots: bundle(first, roots))


def bundle(first: str, others: Sequence[str]) -> str:
    """Return a root and those of the others (PEM) that have another key: a renewed root is the same root."""
    key = key_fingerprint(first)
    return "".join([first, *(pem for pem in others if key_fingerprint(pem) != key)])
