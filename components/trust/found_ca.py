"""The CA of a control plane that somebody else runs: looked at, never made, changed or kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pulumi

from components.trust import expiry


@dataclass(frozen=True)
class FoundCa:
    """Its certificate (PEM), when it expires (RFC 3339), and the generation of its key, which no stack counts."""

    certificate_pem: pulumi.Output[str]
    expires: pulumi.Output[str]
    generation: int = 1


@dataclass(frozen=True)
class Certificates:
    """What a control plane has, as PEM.

    `given` are the roots that it gives to its proxies. `ca` is the CA that it signs with, from the Secret `cacerts`,
    and `chain` those above it; None if it has no such Secret, and signs with a CA that it made itself.
    """

    given: str
    ca: str | None = None
    chain: str = ""

    def faults(self, root_pem: str | None, trust_domain: str) -> Iterator[str]:
        """Yield the end of a sentence for each reason why other meshes under this root would not believe its proxies.

        `root_pem` is the stack's root; None if the stack is yet to make one.
        """
        from components.trust import authority, chain
        from components.trust.ca import fingerprint

        try:
            given = chain.certificates(self.given)
        except chain.ChainError as error:
            yield f"gives its proxies a root that {error}"
            return
        root = chain.certificates(root_pem)[0] if root_pem else None
        if root is None or root not in given:
            stacks = f"the stack has {fingerprint(root_pem)}" if root_pem else "the stack is yet to make one"
            yield f"gives its proxies the root {fingerprint(chain.pem(given[:1]))}, and {stacks}"
            return
        if self.ca is None:
            yield "signs with a CA that it made itself, as it has no Secret cacerts that can be read"
            return
        try:
            way = chain.path(chain.certificates(self.ca)[:1], [*chain.certificates(self.chain or self.ca), root])
        except chain.ChainError as error:
            yield f"signs with a CA that {error}"
            return
        if way[-1] != root:
            yield f"signs with a CA of another root, '{chain.name(way[-1])}'"
        now = datetime.now(UTC)
        for below, one in enumerate(way):
            yield from (f"has '{chain.name(one)}', which {fault}" for fault in authority.faults(one, below))
            yield from (f"has '{chain.name(one)}', which {fault}" for fault in authority.dates(one, now))
            if authority.excludes(one, trust_domain):
                yield f"has '{chain.name(one)}', which excludes the trust domain {trust_domain} (name constraints)"

    def confined(self) -> bool:
        """Return whether its CA has name constraints, without which it could sign for every mesh."""
        from cryptography import x509

        from components.trust import chain

        found: Sequence[x509.Certificate] = chain.certificates(self.ca or "")
        return any(isinstance(one.value, x509.NameConstraints) for one in found[0].extensions)

    def found_ca(self) -> FoundCa:
        """Return the CA as a mesh has it."""
        return FoundCa(pulumi.Output.from_input(self.ca or ""), pulumi.Output.from_input(expiry.of(self.ca or "")))
