"""A root CA that another stack owns. That stack issues the CAs of this stack's meshes, as secret outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pydantic import ValidationError

from components.schema import problems
from components.trust import expiry
from components.trust.ca import fingerprint
from multimesh.contract import Intermediate

_REMEDY = "run `pulumi up` in the stack that issues it (trust.stack), and then here"


@dataclass(frozen=True)
class Trusted:
    """What the trust stack provides: its root certificate (PEM), and the CAs of this stack's meshes, by mesh."""

    root: str
    intermediates: dict[str, Intermediate]

    @property
    def root_expires(self) -> str:
        """The end of the root's validity (RFC 3339)."""
        from cryptography import x509

        return f"{x509.load_pem_x509_certificate(self.root.encode()).not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class IssuedCa:
    """The CA of one mesh, issued by another stack; it has the attributes of an IntermediateCa."""

    trust_domains: Sequence[str]
    certificate_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    """A secret."""
    root_pem: pulumi.Output[str]
    expires: pulumi.Output[str]


class TrustStack:
    """The stack that owns the root CA; it takes the place of a RootCa in this one."""

    def __init__(self, trusted: Trusted) -> None:
        self.certificate_pem = pulumi.Output.from_input(trusted.root)
        self.fingerprint = pulumi.Output.from_input(fingerprint(trusted.root))
        self.expires = pulumi.Output.from_input(trusted.root_expires)
        expiry.announce("the root CA", self.expires, _REMEDY, pulumi.log.warn)
        self._intermediates = trusted.intermediates

    def issue(self, mesh: str, trust_domains: Sequence[str]) -> IssuedCa:
        """Return the CA that the other stack issued for a mesh."""
        issued = self._intermediates[mesh]
        expires = pulumi.Output.from_input(issued.expires)
        expiry.announce(f"the CA of trust domain {trust_domains[0]}", expires, _REMEDY, pulumi.log.warn)
        return IssuedCa(
            trust_domains,
            pulumi.Output.from_input(issued.certificate),
            pulumi.Output.secret(issued.private_key.get_secret_value()),
            self.certificate_pem,
            expires,
        )


def check(
    owner: str, trust_domains: Mapping[str, tuple[str | None, Sequence[str]]], outputs: Mapping[str, Any]
) -> tuple[Trusted | None, list[str]]:
    """Return the CAs for this stack's meshes from the outputs of the stack `owner`, and a line for each mistake.

    `trust_domains` are the configured ones, by mesh, with their aliases; None or empty for those of the issued CA.
    """
    issued, root = outputs.get("intermediates", {}), outputs.get("root_ca")
    if not outputs or not isinstance(root, str):
        return None, [_problem(owner, "that stack is not up; run `pulumi up` there first")]
    try:
        fingerprint(root)
    except ValueError:
        return None, [_problem(owner, "the output root_ca of that stack must be a PEM certificate, and is not")]
    found, intermediates = [], dict[str, Intermediate]()
    for mesh, (trust_domain, aliases) in trust_domains.items():
        if mesh not in issued:
            ready = ", ".join(sorted(issued)) or "none"
            found.append(_problem(owner, f"that stack issues no CA for mesh {mesh}; it issues: {ready}"))
            continue
        try:
            intermediates[mesh] = issue = Intermediate.model_validate(issued[mesh])
        except ValidationError:  # its text would show the key
            message = (
                f"the CA that stack {owner} issues for {mesh} cannot be read; check that both have the same passphrase"
            )
            found.append(_problem(owner, message))
            continue
        if trust_domain not in (None, issue.trust_domain):
            message = f"must be {issue.trust_domain}: stack {owner} issues the CA of {mesh} for it"
            found.append(problems.problem(("meshes", mesh, "trust_domain"), trust_domain, message))
        if aliases and {*aliases} != {*issue.trust_domain_aliases}:
            theirs = ", ".join(issue.trust_domain_aliases)
            message = f"must be [{theirs}], or not set: stack {owner} issues the CA of {mesh} for it"
            found.append(problems.problem(("meshes", mesh, "trust_domain_aliases"), aliases, message))
    return Trusted(root, intermediates), found


def _problem(stack: str, message: str) -> str:
    return problems.problem(("trust", "stack"), stack, message)
